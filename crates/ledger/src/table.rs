//! A table of the state: its records by their keys, and which of them changed.

use alloc::{collections::BTreeMap, string::String, vec, vec::Vec};
use core::borrow::Borrow;

use crate::AccountId;

/// A key of a table.
pub(crate) trait TableKey: Ord + Clone {
    /// Some bits that differ for most keys: by them a record is mostly found at once.
    fn bits(&self) -> u64;
}

impl TableKey for String {
    /// Names are looked up seldom.
    fn bits(&self) -> u64 {
        0
    }
}

impl TableKey for (AccountId, String, String) {
    fn bits(&self) -> u64 {
        self.0.bits()
    }
}

/// Records of one kind. They lie apart from their order, each at a place of its own: to find one little is read, and to find it
/// again less.
#[derive(Debug, Clone)]
pub(crate) struct Table<K, V> {
    places: BTreeMap<K, usize>,
    rows: Vec<Row<K, V>>,
    /// The places of all rows that are marked.
    changed: Vec<usize>,
    /// Places for records to come.
    free: Vec<usize>,
    /// Where records were found lately, by some bits of their keys. Their count is a power of two, or 0.
    lately: Vec<u32>,
}

#[derive(Debug, Clone)]
struct Row<K, V> {
    key: K,
    /// One that was removed keeps its place until that was told.
    record: Option<V>,
    /// True if its place stands in `changed`.
    changed: bool,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self { places: BTreeMap::new(), rows: Vec::new(), changed: Vec::new(), free: Vec::new(), lately: Vec::new() }
    }
}

impl<K: TableKey, V> Table<K, V> {
    pub(crate) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.places.get(key).and_then(|place| self.rows.get(*place)?.record.as_ref())
    }

    /// The records, in the order of their keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.places.iter().filter_map(|(key, place)| Some((key, self.rows.get(*place)?.record.as_ref()?)))
    }

    /// The record under a key, to be looked at before it is changed.
    pub(crate) fn find(&mut self, key: &K) -> Option<Found<'_, V>> {
        let place = self.place(key)?;
        let row = self.rows.get_mut(place)?;
        Some(Found { record: row.record.as_mut()?, marked: &mut row.changed, place, changed: &mut self.changed })
    }

    /// The record under a key, to be changed; made first if there is none.
    pub(crate) fn change(&mut self, key: &K, make: impl FnOnce() -> V) -> &mut V {
        self.slot(key).get_or_insert_with(make)
    }

    pub(crate) fn put(&mut self, key: &K, record: V) {
        *self.slot(key) = Some(record);
    }

    pub(crate) fn remove(&mut self, key: &K) {
        if self.get(key).is_some() {
            *self.slot(key) = None;
        }
    }

    /// Forgets what changed, and hands each key of it to `each` once, with the record that stands there now.
    pub(crate) fn take_changes(&mut self, mut each: impl FnMut(&K, Option<&V>)) {
        for place in self.changed.drain(..) {
            let Some(row) = self.rows.get_mut(place) else { continue };
            row.changed = false;
            each(&row.key, row.record.as_ref());
            if row.record.is_none() {
                self.places.remove(&row.key);
                self.free.push(place);
            }
        }
    }

    fn place(&mut self, key: &K) -> Option<usize> {
        let mask = u64::try_from(self.lately.len()).ok()?.checked_sub(1)?;
        let lately = self.lately.get_mut(usize::try_from(key.bits() & mask).ok()?)?;
        let place = usize::try_from(*lately).ok()?;
        if self.rows.get(place).is_some_and(|row| row.record.is_some() && row.key == *key) {
            return Some(place);
        }
        let place = *self.places.get(key)?;
        *lately = u32::try_from(place).unwrap_or_default();
        Some(place)
    }

    /// What stands under a key, to be changed.
    fn slot(&mut self, key: &K) -> &mut Option<V> {
        let place = self.place(key).unwrap_or_else(|| self.new_place(key));
        let row = self.rows.get_mut(place).expect("a place has a row");
        if !row.changed {
            row.changed = true;
            self.changed.push(place);
        }
        &mut row.record
    }

    fn new_place(&mut self, key: &K) -> usize {
        let row = Row { key: key.clone(), record: None, changed: false };
        let place = self.free.pop().unwrap_or(self.rows.len());
        match self.rows.get_mut(place) {
            Some(free) => *free = row,
            None => self.rows.push(row),
        }
        self.places.insert(key.clone(), place);
        if self.lately.len() < self.rows.len() {
            // Two to four places for each record, so that few share one.
            self.lately = vec![0; self.rows.len().next_power_of_two().saturating_mul(2)];
        }
        place
    }
}

/// A record that is there.
pub(crate) struct Found<'a, V> {
    record: &'a mut V,
    marked: &'a mut bool,
    place: usize,
    changed: &'a mut Vec<usize>,
}

impl<'a, V> Found<'a, V> {
    pub(crate) const fn record(&self) -> &V {
        self.record
    }

    pub(crate) fn change(self) -> &'a mut V {
        if !*self.marked {
            *self.marked = true;
            self.changed.push(self.place);
        }
        self.record
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Few keys, of which some share their bits.
    impl TableKey for u8 {
        fn bits(&self) -> u64 {
            u64::from(*self >> 1)
        }
    }

    #[test]
    fn what_changed_is_told_once() {
        let mut table = Table::default();
        let told = |table: &mut Table<u8, u8>| {
            let mut told = Vec::new();
            table.take_changes(|key, record| told.push((*key, record.copied())));
            told
        };
        table.put(&1, 10);
        table.put(&1, 11);
        *table.change(&2, || 20) += 1;
        *table.change(&2, || 0) += 1;
        assert_eq!(told(&mut table), [(1, Some(11)), (2, Some(22))]);
        let found = |table: &mut Table<u8, u8>, key| table.find(&key).map(|found| *found.record());
        assert_eq!((found(&mut table, 1), found(&mut table, 3)), (Some(11), None));
        assert_eq!(told(&mut table), []);
        *table.find(&1).unwrap().change() -= 1;
        *table.find(&1).unwrap().change() += 1;
        assert_eq!(told(&mut table), [(1, Some(11))]);
        table.remove(&1);
        table.put(&1, 12);
        table.remove(&2);
        table.remove(&3);
        *table.change(&1, || 0) += 1;
        assert_eq!(told(&mut table), [(1, Some(13)), (2, None)]);
        assert_eq!((table.get(&1), table.iter().collect::<Vec<_>>()), (Some(&13), vec![(&1, &13)]));
        table.put(&4, 1);
        table.remove(&4);
        table.put(&4, 2);
        table.remove(&4);
        assert_eq!(told(&mut table), [(4, None)]);
    }

    proptest::proptest! {
        /// Whatever is done to it, it holds what a plain map holds, and tells each key that was touched once.
        #[test]
        fn it_is_a_map_that_tells(steps in proptest::collection::vec((0u8..6, 0u8..8), 0..200)) {
            let (mut table, mut map, mut touched) = (Table::default(), BTreeMap::new(), BTreeMap::new());
            for (at, (step, key)) in steps.into_iter().enumerate() {
                match step {
                    0 => {
                        table.put(&key, at);
                        map.insert(key, at);
                        touched.insert(key, ());
                    }
                    1 => {
                        *table.change(&key, || 1) += 1;
                        *map.entry(key).or_insert(1) += 1;
                        touched.insert(key, ());
                    }
                    2 => {
                        let found = table.find(&key);
                        assert_eq!(found.as_ref().map(|found| *found.record()), map.get(&key).copied());
                        if let Some(found) = found {
                            *found.change() += 2;
                            *map.get_mut(&key).unwrap() += 2;
                            touched.insert(key, ());
                        }
                    }
                    3 | 4 => {
                        table.remove(&key);
                        if map.remove(&key).is_some() {
                            touched.insert(key, ());
                        }
                    }
                    _ => {
                        let mut told = Vec::new();
                        table.take_changes(|key, record| told.push((*key, record.copied())));
                        told.sort_unstable();
                        let due = core::mem::take(&mut touched).into_keys().map(|key| (key, map.get(&key).copied()));
                        assert_eq!(told, due.collect::<Vec<_>>());
                    }
                }
                assert_eq!(table.get(&key), map.get(&key));
                assert!(table.iter().eq(&map));
            }
        }
    }
}
