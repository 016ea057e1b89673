//! Where a client is: behind which proxy, and in which block of addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use axum::http::HeaderMap;

/// Who proxies name as their client.
pub(crate) const FORWARDED_FOR: &str = "x-forwarded-for";
/// What a proxy's client spoke.
const FORWARDED_PROTO: &str = "x-forwarded-proto";

/// A network, such as `10.0.0.0/8` or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network {
    address: IpAddr,
    bits: u8,
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let advice = || format!("{text} is no network: write one as 10.0.0.0/8, or an address");
        let address = address.parse::<IpAddr>().map_err(|_| advice())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), str::parse).map_err(|_| advice())?;
        if bits > most { Err(advice()) } else { Ok(Self { address, bits }) }
    }
}

impl Network {
    fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let shift = 32 - u32::from(self.bits);
                u32::from(network).checked_shr(shift) == u32::from(address).checked_shr(shift)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let shift = 128 - u32::from(self.bits);
                u128::from(network).checked_shr(shift) == u128::from(address).checked_shr(shift)
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

/// The proxies whose word about their clients counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Proxies(pub(crate) Vec<Network>);

impl Proxies {
    pub(crate) fn contains(&self, peer: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(peer.to_canonical()))
    }

    /// Who has sent a request with these headers from `peer`: of the addresses that proxies have added one after the other, the last that is
    /// not a proxy of ours. What stands before it is anybody's claim.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        let lines: Vec<_> = headers.get_all(FORWARDED_FOR).iter().filter_map(|line| line.to_str().ok()).collect();
        for named in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
            if !self.contains(client) {
                break;
            }
            let Some(address) = address(named.trim()) else { break };
            client = address;
        }
        client
    }

    /// Whether a client behind a proxy of ours spoke TLS to it.
    pub(crate) fn is_tls(&self, peer: IpAddr, headers: &HeaderMap) -> bool {
        self.contains(peer) && headers.get(FORWARDED_PROTO).is_some_and(|proto| proto.as_bytes().eq_ignore_ascii_case(b"https"))
    }
}

/// An address as proxies write it, some with a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.parse().or_else(|_| text.trim_start_matches('[').split(']').next().unwrap_or(text).parse());
    bare.ok().or_else(|| text.parse().ok().map(|socket: std::net::SocketAddr| socket.ip())).map(|ip: IpAddr| ip.to_canonical())
}

/// The block that an address counts with: whoever has one address of it has the others too. /24 of IPv4, /56 of IPv6.
pub(crate) fn block(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => Ipv4Addr::from(u32::from(address) & !0xff).into(),
        IpAddr::V6(address) => Ipv6Addr::from(u128::from(address) & !(u128::MAX >> 56)).into(),
    }
}
