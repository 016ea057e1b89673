use std::borrow::Borrow;
use std::fmt;
use std::hash::Hash;

/// A hash map that can be looked into but not iterated: constant time for the way of a packet, and no order that chance could decide.
#[expect(clippy::disallowed_types, reason = "the rule forbids iterating one, and this offers no iteration")]
pub struct LookupMap<K, V>(std::collections::HashMap<K, V>);

impl<K, V> Default for LookupMap<K, V> {
    fn default() -> Self {
        Self(Default::default())
    }
}

impl<K, V> fmt::Debug for LookupMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LookupMap({})", self.0.len())
    }
}

impl<K: Eq + Hash, V> LookupMap<K, V> {
    /// The value of `key`.
    pub fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.0.get(key)
    }

    /// The value of `key`, to be changed.
    pub fn get_mut<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.0.get_mut(key)
    }

    /// The value of `key`, made if it is missing.
    pub fn get_or_default(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        self.0.entry(key).or_default()
    }

    /// Whether there is a value of `key`.
    pub fn contains_key<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.0.contains_key(key)
    }

    /// Puts `value` there; gives back what was there before.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.0.insert(key, value)
    }

    /// Takes the value of `key` out.
    pub fn remove<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.0.remove(key)
    }

    /// How many keys have a value.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none has.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_is_found_until_it_is_taken_out() {
        let mut map = LookupMap::default();
        assert_eq!((map.insert("a".to_owned(), 1), map.insert("a".to_owned(), 2)), (None, Some(1)));
        *map.get_or_default("b".to_owned()) += 3;
        assert_eq!((map.get("a"), map.get("b"), map.get("c"), map.len()), (Some(&2), Some(&3), None, 2));
        assert_eq!((map.remove("a"), map.contains_key("a")), (Some(2), false));
    }

    #[test]
    fn debug_shows_no_key() {
        let mut map = LookupMap::default();
        map.insert("10.0.0.1", ());
        assert_eq!(format!("{map:?}"), "LookupMap(1)");
    }
}
