//! A socket that tells when the kernel received each datagram: what the process took until it looked is not the server's.

use std::io::IoSliceMut;
use std::net::SocketAddr;
use std::os::fd::AsRawFd as _;
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt};
use nix::sys::time::TimeSpec;
use tokio::io::Interest;
use tokio::net::UdpSocket;

/// Longest datagram that is read.
const LONGEST: usize = 2048;

#[derive(Debug)]
pub(super) struct Udp {
    socket: UdpSocket,
    pub(super) here: SocketAddr,
    buffer: Box<[u8; LONGEST]>,
    control: Vec<u8>,
}

/// A datagram that came.
#[derive(Debug)]
pub(super) struct Received<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) src: SocketAddr,
    /// POSIX time.
    pub(super) at: Duration,
}

impl Udp {
    pub(super) async fn bind(address: SocketAddr) -> anyhow::Result<Self> {
        let socket = UdpSocket::bind(address).await.context("a UDP socket")?;
        setsockopt(&socket, sockopt::ReceiveTimestampns, &true).context("the kernel tells no time of datagrams")?;
        let here = socket.local_addr()?;
        Ok(Self { socket, here, buffer: Box::new([0; LONGEST]), control: nix::cmsg_space!(TimeSpec) })
    }

    /// Returns when there may be something to receive.
    pub(super) async fn readable(&self) {
        // An error is told by the next `receive`, which takes it for nothing.
        let _told_later = self.socket.readable().await;
    }

    /// The next datagram; none when there is no more for now. An ICMP error of an earlier one is nobody's.
    pub(super) fn receive(&mut self) -> Option<Received<'_>> {
        let Self { socket, buffer, control, .. } = self;
        let received = socket.try_io(Interest::READABLE, || {
            let mut parts = [IoSliceMut::new(&mut buffer[..])];
            let message = recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut parts, Some(control), MsgFlags::MSG_DONTWAIT)?;
            let told = message.cmsgs().ok().and_then(|mut told| {
                told.find_map(|what| if let ControlMessageOwned::ScmTimestampns(at) = what { Some(Duration::from(at)) } else { None })
            });
            Ok((message.bytes, message.address.and_then(|address| socket_address(&address)), told))
        });
        let (len, src, told) = received.ok()?;
        let at = told.unwrap_or_else(conclave_device::system::unix);
        Some(Received { bytes: &self.buffer[..len], src: src?, at })
    }

    /// Sends; waits for room, so that the generator itself loses nothing. What the network refuses is lost, as it may be.
    pub(super) async fn send(&self, bytes: &[u8], to: SocketAddr) {
        if self.socket.try_send_to(bytes, to).is_err() {
            let _lost = self.socket.send_to(bytes, to).await;
        }
    }
}

fn socket_address(address: &SockaddrStorage) -> Option<SocketAddr> {
    let of_v4 = address.as_sockaddr_in().map(|v4| SocketAddr::from((v4.ip(), v4.port())));
    of_v4.or_else(|| address.as_sockaddr_in6().map(|v6| SocketAddr::from((v6.ip(), v6.port()))))
}
