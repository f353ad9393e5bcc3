//! Vouchers: checked by the ledger's own rule and against our own receipts, and written down before they free credit.

use api::{
    LedgerError,
    exchange::{Refused, RefusedCode, VoucherUpdate},
};
use ledger::{Channel, ChannelId, OfferId, Price, Refusal, Reject, Settlement, Signed, Voucher};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use crate::{Error, error::refused, provider::Seller, records};

impl Seller {
    /// The network that every signature is for.
    pub fn genesis_network(&self) -> ledger::Digest {
        self.config.account.network()
    }

    /// Whether the ledger would settle a voucher on a channel, and what that would pay.
    pub async fn check_voucher(
        &self,
        id: ChannelId,
        channel: &Channel,
        voucher: &Signed<Voucher>,
    ) -> Result<Result<Settlement, Reject>, Error> {
        let mut prices: HashMap<OfferId, Arc<Price>> = HashMap::new();
        for line in voucher.body.usage.iter().take(usize::try_from(self.genesis.limits.voucher_offers).unwrap_or(64)) {
            match self.price(line.offer).await {
                Ok(price) => drop(prices.insert(line.offer, price)),
                // The rule says what that means.
                Err(Error::Ledger(LedgerError::Unknown(..))) => {}
                Err(error) => return Err(error),
            }
        }
        let price = |offer: &OfferId| prices.get(offer).map(|price| Price::clone(price)).ok_or(Reject::OfferUnknown);
        Ok(channel.check_voucher((self.genesis_network(), id), voucher, &self.genesis.limits, price))
    }

    /// Takes a newer voucher. An older or repeated one changes nothing and is no fault.
    ///
    /// # Errors
    /// [`RefusedCode::VoucherBad`] with a sentence.
    pub async fn accept_voucher(&self, update: &VoucherUpdate) -> Result<(), Refused> {
        let (voucher, id) = (&update.voucher.0, update.voucher.0.body.channel);
        let refusals: Vec<Signed<Refusal>> = update.refusals.iter().map(|refusal| refusal.0.clone()).collect();
        if !self.load_channel(id).await? {
            return Err(refused(RefusedCode::ChannelUnknown, "there is no such channel with this provider"));
        }
        let turn = self.turn(id);
        let _turn = turn.lock().await;
        let Some(seen) = self.credit().channels.get(&id).cloned() else {
            return Err(refused(RefusedCode::ChannelUnknown, "the channel was finished"));
        };
        if voucher.body.number <= seen.channel.number {
            return Ok(());
        }
        // Before anything that costs time: anybody can send a voucher.
        if !voucher.verify(self.genesis_network(), seen.channel.gateway_key) {
            return Err(bad("it is not signed by the channel's gateway key"));
        }
        let signed = |refusal: &Signed<Refusal>| {
            refusal.body.channel == id && refusal.verify(self.genesis_network(), seen.channel.gateway_key)
        };
        if !refusals.iter().all(signed) {
            return Err(bad("a refusal with it is not signed by the channel's gateway key"));
        }
        let settlement =
            self.check_voucher(id, &seen.channel, voucher).await?.map_err(|reject| bad(&reject.to_string()))?;
        let reached = seen
            .tally_to(voucher.body.number, &refusals)
            .ok_or_else(|| bad("it covers receipts that this provider never signed"))?;
        let ours = reached.tally.voucher();
        if ours.usage != voucher.body.usage || ours.root != voucher.body.root {
            return Err(bad(
                "it does not add up to the receipts under it; ask for the receipts from the last voucher on",
            ));
        }
        let standing: HashSet<u64> = reached.lost.iter().map(|(number, _)| *number).collect();
        let refusals: Vec<_> = refusals.into_iter().filter(|refusal| standing.contains(&refusal.body.number)).collect();
        let (kept, kept_tally, kept_refusals) = (voucher.clone(), reached.tally.clone(), refusals.clone());
        let write = move |books: &rusqlite::Connection| records::put_voucher(books, &kept, &kept_tally, &kept_refusals);
        self.books.write_synced(write).await.map_err(Error::from)?;
        if !refusals.is_empty() {
            tracing::warn!(channel = %id, refusals = refusals.len(), "the gateway refused receipts; they will not be paid");
        }
        let channel = seen.channel.settled(&voucher.body, &settlement);
        if let Some(seen) = self.credit().channels.get_mut(&id) {
            seen.accept(voucher.clone(), channel, reached);
        }
        Ok(())
    }
}

fn bad(reason: &str) -> Refused {
    refused(RefusedCode::VoucherBad, format!("the voucher is not good: {reason}"))
}
