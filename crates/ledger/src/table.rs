//! A table of the state: its records by their keys, and which of them changed.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use core::borrow::Borrow;

/// Records of one kind.
#[derive(Debug, Clone)]
pub(crate) struct Table<K, V> {
    rows: BTreeMap<K, Row<V>>,
    /// The keys of all rows that are marked, and perhaps of some that are not.
    changed: Vec<K>,
    removed: BTreeSet<K>,
}

#[derive(Debug, Clone)]
struct Row<V> {
    record: V,
    /// True if it stands in `changed`.
    changed: bool,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), changed: Vec::new(), removed: BTreeSet::new() }
    }
}

impl<K: Ord + Clone, V> Table<K, V> {
    pub(crate) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.rows.get(key).map(|row| &row.record)
    }

    /// The records, in the order of their keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.rows.iter().map(|(key, row)| (key, &row.record))
    }

    /// The record under a key, to be looked at before it is changed: keys are looked up once.
    pub(crate) fn find(&mut self, key: K) -> Option<Found<'_, K, V>> {
        let row = self.rows.get_mut(&key)?;
        Some(Found { key, row, changed: &mut self.changed })
    }

    /// The record under a key, to be changed; made first if there is none.
    pub(crate) fn change(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        let row = self.rows.entry(key.clone()).or_insert_with(|| Row { record: make(), changed: false });
        Found { key, row, changed: &mut self.changed }.change()
    }

    pub(crate) fn put(&mut self, key: K, record: V) {
        if let Some(row) = self.rows.get_mut(&key).filter(|row| row.changed) {
            row.record = record;
        } else {
            self.changed.push(key.clone());
            self.rows.insert(key, Row { record, changed: true });
        }
    }

    pub(crate) fn remove(&mut self, key: &K) {
        if self.rows.remove(key).is_some() {
            self.removed.insert(key.clone());
        }
    }

    /// Forgets what changed, and hands each key of it to `each` once, with the record that stands there now.
    pub(crate) fn take_changes(&mut self, mut each: impl FnMut(&K, Option<&V>)) {
        for key in core::mem::take(&mut self.changed) {
            // One that was removed, and perhaps made again, may stand there without its mark or twice.
            if let Some(row) = self.rows.get_mut(&key).filter(|row| row.changed) {
                row.changed = false;
                each(&key, Some(&row.record));
            }
        }
        for key in core::mem::take(&mut self.removed) {
            if !self.rows.contains_key(&key) {
                each(&key, None);
            }
        }
    }
}

/// A record that is there.
pub(crate) struct Found<'a, K, V> {
    key: K,
    row: &'a mut Row<V>,
    changed: &'a mut Vec<K>,
}

impl<'a, K, V> Found<'a, K, V> {
    pub(crate) const fn record(&self) -> &V {
        &self.row.record
    }

    pub(crate) fn change(self) -> &'a mut V {
        if !self.row.changed {
            self.row.changed = true;
            self.changed.push(self.key);
        }
        &mut self.row.record
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn what_changed_is_told_once() {
        let mut table = Table::default();
        let told = |table: &mut Table<u8, u8>| {
            let mut told = Vec::new();
            table.take_changes(|key, record| told.push((*key, record.copied())));
            told
        };
        table.put(1, 10);
        table.put(1, 11);
        *table.change(2, || 20) += 1;
        *table.change(2, || 0) += 1;
        assert_eq!(told(&mut table), [(1, Some(11)), (2, Some(22))]);
        let found = |table: &mut Table<u8, u8>, key| table.find(key).map(|found| *found.record());
        assert_eq!((found(&mut table, 1), found(&mut table, 3)), (Some(11), None));
        assert_eq!(told(&mut table), []);
        *table.find(1).unwrap().change() -= 1;
        *table.find(1).unwrap().change() += 1;
        assert_eq!(told(&mut table), [(1, Some(11))]);
        table.remove(&1);
        table.put(1, 12);
        table.remove(&2);
        table.remove(&3);
        *table.change(1, || 0) += 1;
        assert_eq!(told(&mut table), [(1, Some(13)), (2, None)]);
        assert_eq!((table.get(&1), table.iter().collect::<Vec<_>>()), (Some(&13), vec![(&1, &13)]));
        table.put(4, 1);
        table.remove(&4);
        table.put(4, 2);
        table.remove(&4);
        assert_eq!(told(&mut table), [(4, None)]);
    }
}
