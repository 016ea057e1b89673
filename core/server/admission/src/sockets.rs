use std::collections::{BTreeMap, BTreeSet};

use crate::api::Block;

/// One block may hold this part of all sockets.
const PART_OF_A_BLOCK: usize = 8;

/// A socket of a client, in the order of opening. Never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId(u64);

/// Which sockets are open, and which of them give way when there are too many. A socket is proved once its client has shown a key of a meeting,
/// or a media token; only others give way.
#[derive(Debug)]
pub struct Sockets {
    open: BTreeMap<SocketId, Socket>,
    blocks: BTreeMap<Block, OfBlock>,
    bound: usize,
    last: u64,
}

#[derive(Debug, Clone, Copy)]
struct Socket {
    block: Block,
    proved: bool,
}

#[derive(Debug, Default)]
struct OfBlock {
    proved: usize,
    unproved: BTreeSet<SocketId>,
}

/// There is no place for another socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many sockets")]
pub struct NoPlace;

impl Sockets {
    /// None is open; at most `bound` will be.
    pub const fn new(bound: usize) -> Self {
        Self { open: BTreeMap::new(), blocks: BTreeMap::new(), bound, last: 0 }
    }

    /// A client of `block` opens a socket. Gives its number, and the socket that is to be closed in its place: the oldest of the same block that
    /// is not proved, if the block has all that it may; if all blocks together have, the oldest such of the block that has most of them.
    pub fn open(&mut self, block: Block) -> Result<(SocketId, Option<SocketId>), NoPlace> {
        let of_block = self.blocks.get(&block).map_or(0, OfBlock::sockets);
        let closed = if of_block >= (self.bound / PART_OF_A_BLOCK).max(1) {
            Some(self.blocks.get(&block).and_then(|own| own.unproved.first().copied()).ok_or(NoPlace)?)
        } else if self.open.len() >= self.bound {
            let most = self.blocks.values().max_by_key(|other| other.unproved.len());
            Some(most.and_then(|most| most.unproved.first().copied()).ok_or(NoPlace)?)
        } else {
            None
        };
        if let Some(closed) = closed {
            self.close(closed);
        }
        self.last += 1;
        let id = SocketId(self.last);
        self.insert(id, Socket { block, proved: false });
        Ok((id, closed))
    }

    /// The client has shown that it belongs here.
    pub fn prove(&mut self, id: SocketId) {
        if let Some(socket) = self.open.get(&id).copied().filter(|socket| !socket.proved) {
            self.close(id);
            self.insert(id, Socket { proved: true, ..socket });
        }
    }

    /// The socket is closed, by whichever side.
    pub fn close(&mut self, id: SocketId) {
        let Some(Socket { block, proved }) = self.open.remove(&id) else { return };
        let Some(own) = self.blocks.get_mut(&block) else { return };
        if proved {
            own.proved -= 1;
        } else {
            own.unproved.remove(&id);
        }
        if own.sockets() == 0 {
            self.blocks.remove(&block);
        }
    }

    /// Blocks have new numbers: `block` gives that of each open socket.
    pub fn renumber(&mut self, mut block: impl FnMut(SocketId) -> Block) {
        self.blocks.clear();
        for (id, socket) in std::mem::take(&mut self.open) {
            self.insert(id, Socket { block: block(id), ..socket });
        }
    }

    /// How many are open.
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    fn insert(&mut self, id: SocketId, socket: Socket) {
        self.open.insert(id, socket);
        let own = self.blocks.entry(socket.block).or_default();
        if socket.proved {
            own.proved += 1;
        } else {
            own.unproved.insert(id);
        }
    }
}

impl OfBlock {
    fn sockets(&self) -> usize {
        self.proved + self.unproved.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Block = Block(1);
    const THERE: Block = Block(2);

    #[test]
    fn a_block_that_has_all_it_may_gives_up_its_oldest_that_proved_nothing() {
        let mut sockets = Sockets::new(16);
        let (first, _) = sockets.open(HERE).expect("room");
        let (second, none) = sockets.open(HERE).expect("room");
        assert_eq!(none, None);
        sockets.prove(first);
        let (third, closed) = sockets.open(HERE).expect("another gives way");
        assert_eq!(closed, Some(second));
        sockets.prove(third);
        assert_eq!(sockets.open(HERE), Err(NoPlace), "who proved something stays");
        assert!(sockets.open(THERE).is_ok());
        sockets.close(first);
        assert!(sockets.open(HERE).is_ok());
    }

    #[test]
    fn when_all_are_taken_the_block_that_has_most_unproved_gives_way() {
        let mut sockets = Sockets::new(24);
        for block in 10..18 {
            for n in 0..3 {
                let (id, _) = sockets.open(Block(block)).expect("room");
                if block < 17 && n > 0 {
                    sockets.prove(id);
                }
            }
        }
        let (_, closed) = sockets.open(HERE).expect("another gives way");
        assert_eq!(closed, Some(SocketId(22)), "the oldest of the eighth block");
        assert_eq!(sockets.len(), 24);
        for id in 1..=sockets.last {
            sockets.prove(SocketId(id));
        }
        assert_eq!(sockets.open(THERE), Err(NoPlace));
    }

    #[test]
    fn new_numbers_of_blocks_forget_no_socket() {
        let mut sockets = Sockets::new(16);
        let ids = [sockets.open(HERE).expect("room").0, sockets.open(HERE).expect("room").0];
        sockets.prove(ids[0]);
        sockets.renumber(|_| THERE);
        assert_eq!(sockets.open(THERE).expect("another gives way").1, Some(ids[1]));
        assert!(sockets.open(HERE).is_ok());
        sockets.close(ids[0]);
        assert_eq!(sockets.len(), 2);
    }
}
