//! Accounts: issue, redeem, transfer, name, rotate, register.

use alloc::{boxed::Box, string::String};

use crate::{
    AccountId, Amount, Digest, Effect, KeyProof, PublicKey, Register, Reject, Signable as _, Signature, State,
    verify_signature,
};

/// Names nobody may take: they would read as Pumasi itself, a role, or a path of a door.
const RESERVED: &[&str] = &[
    "admin",
    "api",
    "artifacts",
    "blobs",
    "gateway",
    "healthz",
    "issuer",
    "ledger",
    "log",
    "metrics",
    "official",
    "owner",
    "provider",
    "pumasi",
    "receipts",
    "replica",
    "root",
    "security",
    "support",
    "system",
    "v1",
    "v2",
    "www",
];

impl State {
    pub(crate) fn issue(&mut self, by: AccountId, to: AccountId, amount: Amount) -> Result<Effect, Reject> {
        self.require_issuer(by)?;
        if amount.is_zero() {
            return Err(Reject::AmountZero);
        }
        let mut totals = self.totals().clone();
        totals.issued = totals.issued.plus(amount).ok_or(Reject::SupplyExceeded)?;
        let supply = totals.issued.minus(totals.redeemed).ok_or(Reject::SupplyExceeded)?;
        if supply > Amount::SUPPLY_MAX {
            return Err(Reject::SupplyExceeded);
        }
        *self.change_totals() = totals;
        self.credit(to, amount);
        Ok(Effect::Done)
    }

    pub(crate) fn redeem(&mut self, by: AccountId, amount: Amount) -> Result<Effect, Reject> {
        self.require_issuer(by)?;
        if amount.is_zero() {
            return Err(Reject::AmountZero);
        }
        self.debit(by, amount)?;
        self.move_total(|totals| &mut totals.redeemed, amount, Amount::ZERO);
        Ok(Effect::Done)
    }

    pub(crate) fn require_issuer(&self, by: AccountId) -> Result<(), Reject> {
        if by == self.genesis().issuer { Ok(()) } else { Err(Reject::NotIssuer) }
    }

    pub(crate) fn transfer(&mut self, from: AccountId, to: AccountId, amount: Amount) -> Result<Effect, Reject> {
        if amount.is_zero() {
            return Err(Reject::AmountZero);
        }
        if from == to {
            return Err(Reject::SelfTransfer);
        }
        self.debit(from, amount)?;
        self.credit(to, amount);
        Ok(Effect::Done)
    }

    pub(crate) fn take_name(&mut self, by: AccountId, name: &str) -> Result<Effect, Reject> {
        if !name_good(name) {
            return Err(Reject::NameInvalid);
        }
        if RESERVED.contains(&name) {
            return Err(Reject::NameReserved);
        }
        if self.named(name).is_some_and(|owner| owner != by) {
            return Err(Reject::NameTaken);
        }
        if self.account(&by).name.is_some() {
            return Err(Reject::AccountNamed);
        }
        self.set_aside(by, self.genesis().deposits.name)?;
        self.change_account(by).name = Some(String::from(name));
        self.put_name(String::from(name), by);
        Ok(Effect::Done)
    }

    pub(crate) fn rotate(
        &mut self,
        by: AccountId,
        sequence: u64,
        key: PublicKey,
        proof: Signature,
    ) -> Result<Effect, Reject> {
        if self.account(&by).key == key {
            return Err(Reject::KeyUnchanged);
        }
        let message = KeyProof { account: by, sequence }.message(self.network());
        if !verify_signature(key, &message, proof) {
            return Err(Reject::KeyUnproven);
        }
        self.change_account(by).key = key;
        Ok(Effect::Done)
    }

    pub(crate) fn register(&mut self, by: AccountId, door: &Register) -> Result<Effect, Reject> {
        if !address_good(&door.address) {
            return Err(Reject::AddressInvalid);
        }
        self.change_account(by).door = Some(Box::new(door.clone()));
        Ok(Effect::Done)
    }

    pub(crate) fn lift(&mut self, by: AccountId, weight: &Digest) -> Result<Effect, Reject> {
        self.require_issuer(by)?;
        let mut record = self.weight(weight).ok_or(Reject::WeightUnknown)?;
        if record.lifted {
            return Err(Reject::WeightLifted);
        }
        record.lifted = true;
        self.put_weight(*weight, record);
        Ok(Effect::Done)
    }
}

fn name_good(name: &str) -> bool {
    (2..=39).contains(&name.len())
        && name.bytes().all(|c| matches!(c, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.contains("--")
}

/// True for `http://` or `https://`, a host and a port, and nothing behind it: whoever calls a door adds the path.
fn address_good(address: &str) -> bool {
    let rest = address.strip_prefix("http://").or_else(|| address.strip_prefix("https://"));
    let parts = rest.and_then(|rest| rest.rsplit_once(':'));
    address.len() <= 255 && parts.is_some_and(|(host, port)| host_good(host) && port_good(port))
}

/// True for letters, digits, dots and hyphens, or an IPv6 address in brackets.
fn host_good(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(host) => !host.is_empty() && host.bytes().all(|c| c.is_ascii_hexdigit() || matches!(c, b':' | b'.')),
        None => !host.is_empty() && host.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-')),
    }
}

/// True for 1 to 65535 without a leading zero.
fn port_good(port: &str) -> bool {
    port.bytes().all(|c| c.is_ascii_digit()) && !port.starts_with('0') && port.parse::<u16>().is_ok()
}
