//! The least that forwarding costs on this machine: a picture is opened once, sealed for each receiver, and leaves in one call of the kernel for each.
//! No connections, no feedback, no losses, no estimation; the same picture at the same pace to the same kind of sockets as in [`crate::sfu`].

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use conclave_rtp::{Batch, Outgoing, Packet, Profile, Role, sealed_len};
use quinn_udp::{Transmit, UdpSocketState};

use crate::attest::processor;
use crate::load::Counts;
use crate::peers::keys;

const PROFILE: Profile = Profile::AeadAes256Gcm;
const SSRC: u32 = 7;
/// 2 Mbit/s at 30 pictures a second.
const PACKETS: u64 = 8;
const PAYLOAD: usize = 1046;
const PICTURE: Duration = Duration::from_micros(33_333);
/// How long whoever waits for a picture waits.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often the receivers look.
const LOOK: Duration = Duration::from_millis(2);

/// Forwards for so long.
pub(crate) fn run(receivers: u32, seconds: u32) -> anyhow::Result<Counts> {
    let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let to: Vec<UdpSocket> = (0..receivers).map(|_| UdpSocket::bind(local)).collect::<Result<_, _>>()?;
    let addresses: Vec<SocketAddr> = to.iter().map(UdpSocket::local_addr).collect::<Result<_, _>>()?;
    let ours = UdpSocket::bind(local)?;
    let at = ours.local_addr()?;
    let (is_over, received) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));

    let receiving = {
        let (is_over, received) = (Arc::clone(&is_over), Arc::clone(&received));
        thread::spawn(move || receive(&to, &is_over, &received))
    };
    let publishing = {
        let is_over = Arc::clone(&is_over);
        thread::spawn(move || publish(at, &is_over))
    };
    let forwarding = thread::spawn(move || forward(ours, &addresses));
    thread::sleep(Duration::from_secs(seconds.into()));
    is_over.store(true, Ordering::Relaxed);
    publishing.join().map_err(|_| anyhow::anyhow!("the publisher broke"))??;
    let (sent, cpu) = forwarding.join().map_err(|_| anyhow::anyhow!("the forwarder broke"))??;
    receiving.join().map_err(|_| anyhow::anyhow!("the receivers broke"))??;
    let packets = received.load(Ordering::Relaxed) as f64;
    let loss = 100.0 * (1.0 - packets / sent as f64).max(0.0);
    Ok(Counts { packets, packets_per_second: packets / f64::from(seconds), loss, dropped: 0.0, cpu, resident: 0.0 })
}

fn publish(to: SocketAddr, is_over: &AtomicBool) -> anyhow::Result<()> {
    let socket = UdpSocket::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    let (_, mut sealer) = keys(PROFILE, Role::Client);
    let stream = sealer.add_stream(SSRC)?;
    let (mut number, mut due) = (0_u64, Instant::now());
    while !is_over.load(Ordering::Relaxed) {
        for nth in 1..=PACKETS {
            let transport = (number as u16).to_be_bytes();
            let timestamp = u32::try_from(number / PACKETS * 3000)?;
            let header = Outgoing { marker: nth == PACKETS, payload_type: 96, timestamp, extensions: &[(3, &transport)], padding: 0 };
            let mut datagram = [0; 1500];
            let len = sealer.claim(stream, number)?.seal(&header, &[&[number as u8; PAYLOAD]], &mut datagram)?;
            socket.send_to(&datagram[..len], to)?;
            number += 1;
        }
        due += PICTURE;
        thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    Ok(())
}

/// Packets that were sent, and the seconds of a processor that this thread took for it, the kernel's part included.
fn forward(socket: UdpSocket, to: &[SocketAddr]) -> anyhow::Result<(u64, f64)> {
    let state = UdpSocketState::new((&socket).into())?;
    socket.set_nonblocking(false)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let (mut opener, _) = keys(PROFILE, Role::Server);
    let mut sealers = Vec::new();
    for address in to {
        let (_, mut sealer) = keys(PROFILE, Role::Server);
        let stream = sealer.add_stream(SSRC)?;
        sealers.push((sealer, stream, *address));
    }
    let (mut picture, mut batch) = ([[0; 1500]; PACKETS as usize], Batch::default());
    let (mut number, mut sent) = (0_u64, 0_u64);
    let start = processor()?;
    loop {
        for payload in &mut picture {
            let mut datagram = [0; 1500];
            // Nothing comes any more.
            let Ok(len) = socket.recv(&mut datagram) else { return Ok((sent, (processor()? - start) as f64 / 1e9)) };
            opener.open(&Packet::read(&datagram[..len])?, payload)?;
        }
        for (sealer, stream, address) in &mut sealers {
            for (nth, payload) in picture.iter().enumerate() {
                let transport = (number as u16 + nth as u16).to_be_bytes();
                let extensions: [(u8, &[u8]); 1] = [(3, &transport)];
                let header = Outgoing {
                    marker: nth + 1 == picture.len(),
                    payload_type: 96,
                    timestamp: u32::try_from(number / PACKETS * 3000)?,
                    extensions: &extensions,
                    padding: 0,
                };
                let out = batch.space(sealed_len(&header, PAYLOAD));
                let len = sealer.claim(*stream, number + nth as u64)?.seal(&header, &[&payload[..PAYLOAD]], out)?;
                batch.push(len);
            }
            let (contents, segment) = batch.datagrams();
            let transmit = Transmit { destination: *address, ecn: None, contents, segment_size: Some(segment), src_ip: None };
            state.try_send((&socket).into(), &transmit).context("sending")?;
            batch.clear();
            sent += PACKETS;
        }
        number += PACKETS;
    }
}

fn receive(sockets: &[UdpSocket], is_over: &AtomicBool, received: &AtomicU64) -> anyhow::Result<()> {
    let mut datagram = [0; 2048];
    for socket in sockets {
        socket.set_nonblocking(true)?;
    }
    let mut last = Instant::now();
    while !is_over.load(Ordering::Relaxed) || last.elapsed() < PATIENCE {
        for socket in sockets {
            while socket.recv(&mut datagram).is_ok() {
                received.fetch_add(1, Ordering::Relaxed);
                last = Instant::now();
            }
        }
        thread::sleep(LOOK);
    }
    Ok(())
}
