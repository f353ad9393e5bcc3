//! The cast of all tests: people by name, each with a key, and the network they play on.

use ledger::{AccountId, Deposits, Digest, Fees, Genesis, Keypair, Limits, Operation, Request, Signed, State, Time};

/// The key of somebody: the same name has the same key in every test.
pub fn key(name: &str) -> Keypair {
    Keypair::from_secret(&Digest::of(name.as_bytes()).0)
}

/// Somebody's account.
pub fn account(name: &str) -> AccountId {
    key(name).public().into()
}

/// A network without fees and deposits, founded at 1,000 ms; its window is 1,000 ms. The treasury receives fees.
pub fn genesis() -> Genesis {
    Genesis {
        origin: "pumasi.test/ledger".into(),
        founded: Time(1_000),
        issuer: account("issuer"),
        replicas: vec![key("replica").public()],
        beneficiary: account("treasury"),
        fees: Fees::default(),
        deposits: Deposits::default(),
        royalty_max: 1_000_000,
        dispute_window_ms: 1_000,
        limits: Limits::CEILING,
    }
}

/// A request of `name` as it should be: with its current sequence, signed by the key called `key_name`.
pub fn request(state: &State, (name, key_name): (&str, &str), operation: Operation) -> Request {
    Request {
        network: state.network(),
        account: account(name),
        key: key(key_name).public(),
        sequence: state.account(&account(name)).sequence,
        not_after: Time(u64::MAX),
        operation,
    }
}

/// Signs a request with the key called `key_name`.
pub fn sign(request: Request, key_name: &str) -> Signed<Request> {
    key(key_name).sign(request.network, request)
}

/// Checks that no credit appeared or vanished: issued − redeemed = balances + deposits + pots, and the totals are what the
/// records sum to.
///
/// # Panics
/// If not.
pub fn assert_conserved(state: &State) {
    let totals = state.totals();
    let balances: u128 = state.accounts().map(|(_, account)| account.balance.0).sum();
    let pots: u128 =
        state.pots().map(|(_, pot)| pot.lifetime.0 - pot.paid.iter().map(|paid| paid.0).sum::<u128>()).sum();
    let each = &state.genesis().deposits;
    let in_channels: u128 = state.channels().map(|(_, c)| c.deposit.0 - c.spent.0 + each.channel.0).sum();
    let for_names: u128 = state.accounts().filter(|(_, account)| account.name.is_some()).map(|_| each.name.0).sum();
    let for_artifacts: u128 = state.artifacts().map(|_| each.artifact.0).sum();
    let for_offers: u128 = state.offers().filter(|(_, offer)| !offer.withdrawn).map(|_| each.offer.0).sum();
    assert_eq!(totals.pots.0, pots, "the total of all pots");
    assert_eq!(totals.deposits.0, in_channels + for_names + for_artifacts + for_offers, "the total of all deposits");
    assert_eq!(totals.issued.0 - totals.redeemed.0, balances + totals.deposits.0 + totals.pots.0, "the supply");
}
