//! A batch holds what the kernel takes: datagrams of one length, the last one perhaps shorter.

use conclave_rtp::Batch;
use proptest::collection::vec;
use proptest::prelude::*;

proptest! {
    #[test]
    fn a_batch_is_cut_into_what_was_put_in(lens in vec(prop_oneof![1_usize..1500, Just(1200), 1190_usize..1201], 1..200), most in any::<u8>()) {
        let mut batch = Batch::default();
        let mut wanted: Vec<Vec<u8>> = Vec::new();
        for (n, len) in lens.into_iter().enumerate() {
            let mut len = len;
            if let Some(padding) = batch.padding(len, most) {
                prop_assert!(padding <= most);
                len += usize::from(padding);
                prop_assert!(wanted.iter().all(|other| other.len() == len), "padded, it is as long as the others");
                prop_assert!(batch.takes(len));
            }
            let datagram = vec![n as u8; len];
            let space = batch.space(len);
            if space.is_empty() {
                let (bytes, segment) = batch.datagrams();
                prop_assert_eq!(bytes.chunks(segment).collect::<Vec<_>>(), wanted.clone());
                prop_assert!((1..=64).contains(&batch.len()));
                batch.clear();
                prop_assert!(batch.is_empty());
                wanted.clear();
                batch.space(len).copy_from_slice(&datagram);
            } else {
                space.copy_from_slice(&datagram);
            }
            batch.push(len);
            wanted.push(datagram);
        }
        let (bytes, segment) = batch.datagrams();
        prop_assert_eq!(bytes.chunks(segment).collect::<Vec<_>>(), wanted);
    }
}
