//! Somebody else on a node's network, who publishes with keys of his own over the ledger's public route.

use api::{HttpLedger, Ledger};
use ledger::{ArtifactId, Kind, Operation, Payee, Publish, Rates};
use std::{collections::BTreeMap, path::Path, sync::Arc};

use crate::harness::{Home, Node};

pub struct Stranger {
    account: wallet::Account,
    _dir: tempfile::TempDir,
}

impl Stranger {
    pub async fn new(node: &Node, name: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ledger: Arc<dyn Ledger> = Arc::new(HttpLedger::new(node.address.parse().unwrap()).unwrap());
        let keys = wallet::Keys::open(&dir.path().join("keys")).unwrap();
        let wallet = wallet::Wallet::open(keys, ledger, &dir.path().join("wallet.db")).await.unwrap();
        let account = wallet.account("stranger").unwrap();
        account.submit(Operation::Name { name: name.into() }).await.unwrap();
        Self { account, _dir: dir }
    }

    /// Publishes a file, and puts it into the blobs of a data folder.
    pub async fn publish(&self, home: &Home, file: &Path, work: Publish) -> ArtifactId {
        let store = blobs::Store::open(&home.path("blobs")).unwrap();
        let imported = store.import(file, BTreeMap::new(), Some(&work.name), |_, _| {}).unwrap();
        let publish = Publish { manifest: imported.id, weights: imported.manifest.weights(), ..work };
        self.submit(Operation::Publish(publish)).await;
        imported.id
    }

    pub async fn submit(&self, operation: Operation) {
        self.account.submit(operation).await.unwrap();
    }

    /// A work by this name, without files yet.
    pub fn work(&self, kind: Kind, name: &str, parents: &[ArtifactId], royalty: Rates) -> Publish {
        Publish {
            manifest: ledger::Digest::of(name.as_bytes()),
            kind,
            parents: parents.to_vec(),
            royalty,
            payees: vec![Payee { account: self.account.id(), weight: 1 }],
            weights: Vec::new(),
            name: name.into(),
            tag: "latest".into(),
        }
    }
}
