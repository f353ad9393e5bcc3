//! Order and durability: journal, snapshot, public log.
