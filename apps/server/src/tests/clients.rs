use std::net::IpAddr;

use crate::addresses::Proxies;
use crate::clients::{Clients, given_way};

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
const NEIGHBOUR: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 77));
const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 1));

#[tokio::test]
async fn the_oldest_of_a_block_gives_way_and_a_place_that_is_dropped_is_free_again() {
    let clients = Clients::new(Proxies::default(), 16).expect("randomness");
    let (first, first_gives_way) = clients.open(HERE).expect("a place");
    let (second, second_gives_way) = clients.open(NEIGHBOUR).expect("a place");
    let (third, _third_gives_way) = clients.open(HERE).expect("the oldest gives way");
    given_way(Some(first_gives_way)).await;
    second.prove();
    third.prove();
    assert!(clients.open(HERE).is_none() && clients.open(THERE).is_some());
    drop(first);
    assert!(clients.open(HERE).is_none(), "that place was taken already");
    drop(second);
    assert!(clients.open(HERE).is_some());
    drop(second_gives_way);
}

#[test]
fn numbers_of_blocks_differ_from_process_to_process() {
    let [a, b] = [0, 1].map(|_| Clients::new(Proxies::default(), 16).expect("randomness"));
    assert_eq!(a.block(HERE), a.block(NEIGHBOUR));
    assert_ne!(a.block(HERE), a.block(THERE));
    assert_ne!(a.block(HERE), b.block(HERE));
}

#[test]
fn what_may_be_read_before_the_proof_is_counted_down() {
    let clients = Clients::new(Proxies::default(), 16).expect("randomness");
    let (place, _gives_way) = clients.open(HERE).expect("a place");
    place.allow(100);
    place.on_read(60);
    assert_eq!((place.allowance(), place.is_proved()), (40, false));
    place.on_read(60);
    assert_eq!(place.allowance(), 0);
    place.prove();
    assert!(place.is_proved());
}
