//! Channels: open, top up, settle, close, release, finish; and the one check of a voucher.

use alloc::{collections::BTreeMap, vec::Vec};
use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    AccountId, Amount, ArtifactId, BillPayee, Channel, ChannelId, Digest, Effect, Limits, Line, OfferId, Price,
    PublicKey, Reject, Signed, State, Usage, Voucher, artifact::size, id::derive,
};

/// What a voucher pays beyond what was settled before it.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Settlement {
    /// To the provider.
    pub fee: Amount,
    /// To each artifact's pot, in ascending order, nothing left out and none zero.
    pub royalties: Vec<Charge>,
    /// The sum of both.
    pub total: Amount,
}

/// What one pot receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Charge {
    /// Whose pot.
    pub artifact: ArtifactId,
    /// How much.
    pub amount: Amount,
}

impl Channel {
    /// What is locked and not yet settled.
    pub fn free(&self) -> Amount {
        self.deposit.minus(self.spent).unwrap_or_default()
    }

    /// Decides whether a voucher is good for this channel, and what it pays beyond the settled one. Gateway, provider,
    /// ledger and auditor all ask this one function.
    ///
    /// `price` gives the price of an offer, however old.
    ///
    /// # Errors
    /// The `Voucher…` refusals, [`Reject::DepositExceeded`], [`Reject::SettlementTooWide`], and what `price` refuses.
    pub fn check_voucher(
        &self,
        (network, id): (Digest, ChannelId),
        voucher: &Signed<Voucher>,
        limits: &Limits,
        price: impl Fn(&OfferId) -> Result<Price, Reject>,
    ) -> Result<Settlement, Reject> {
        let body = &voucher.body;
        if body.channel != id || !voucher.verify(network, self.gateway_key) {
            return Err(Reject::VoucherWrongChannel);
        }
        if body.number <= self.number {
            return Err(Reject::VoucherNotNewer);
        }
        let distinct = body.usage.is_sorted_by(|a, b| a.offer < b.offer);
        if !distinct
            || body.usage.len() > size(limits.voucher_offers)
            || !body.usage.iter().all(|l| l.usage.within_line())
        {
            return Err(Reject::VoucherLinesInvalid);
        }
        let settlement = self.settlement(&self.growth(body)?, price)?;
        if settlement.total > self.free() {
            return Err(Reject::DepositExceeded);
        }
        if settlement.royalties.len() > size(limits.settlement_pots) {
            return Err(Reject::SettlementTooWide);
        }
        Ok(settlement)
    }

    /// What each line grew by since the settled voucher; no line may be missing or fall.
    fn growth(&self, voucher: &Voucher) -> Result<Vec<Line>, Reject> {
        let mut settled = self.usage.iter().peekable();
        let mut grown = Vec::new();
        for line in &voucher.usage {
            let before = settled.next_if(|old| old.offer == line.offer).map_or(Usage::default(), |old| old.usage);
            let usage = line.usage.minus(before).ok_or(Reject::VoucherFalls)?;
            grown.push(Line { offer: line.offer, usage });
        }
        if settled.next().is_some() { Err(Reject::VoucherFalls) } else { Ok(grown) }
    }

    fn settlement(
        &self,
        grown: &[Line],
        price: impl Fn(&OfferId) -> Result<Price, Reject>,
    ) -> Result<Settlement, Reject> {
        let mut fee = Amount::ZERO;
        let mut royalties: BTreeMap<ArtifactId, Amount> = BTreeMap::new();
        for line in grown {
            // An offer that nobody made is not this provider's either.
            let foreign = |reject| if reject == Reject::OfferUnknown { Reject::VoucherOfferForeign } else { reject };
            for charge in price(&line.offer).map_err(foreign)?.lines {
                let amount = charge.rates.cost(line.usage).ok_or(Reject::VoucherLinesInvalid)?;
                let sum = match charge.payee {
                    BillPayee::Provider(provider) if provider == self.provider => &mut fee,
                    BillPayee::Provider(_) => return Err(Reject::VoucherOfferForeign),
                    BillPayee::Artifact(id) => royalties.entry(id).or_default(),
                };
                *sum = sum.plus(amount).ok_or(Reject::VoucherLinesInvalid)?;
            }
        }
        royalties.retain(|_, amount| !amount.is_zero());
        let total =
            royalties.values().try_fold(fee, |sum, amount| sum.plus(*amount)).ok_or(Reject::VoucherLinesInvalid)?;
        let royalties = royalties.into_iter().map(|(artifact, amount)| Charge { artifact, amount }).collect();
        Ok(Settlement { fee, royalties, total })
    }

    /// The channel once a voucher that [`Self::check_voucher`] found good is settled.
    #[must_use]
    pub fn settled(&self, voucher: &Voucher, settlement: &Settlement) -> Self {
        Self {
            spent: self.spent.plus(settlement.total).unwrap_or(self.deposit),
            number: voucher.number,
            usage: voucher.usage.clone(),
            root: voucher.root,
            ..self.clone()
        }
    }
}

impl State {
    pub(crate) fn open(
        &mut self,
        (payer, sequence): (AccountId, u64),
        provider: AccountId,
        gateway_key: PublicKey,
        deposit: Amount,
    ) -> Result<Effect, Reject> {
        if deposit.is_zero() {
            return Err(Reject::AmountZero);
        }
        let locked = deposit.plus(self.genesis().deposits.channel).ok_or(Reject::BalanceTooLow)?;
        self.set_aside(payer, locked)?;
        let id = ChannelId(derive("pumasi/channel/1", payer, sequence));
        let provider_key = self.account(&provider).key;
        self.put_channel(
            id,
            Channel {
                payer,
                provider,
                provider_key,
                gateway_key,
                deposit,
                spent: Amount::ZERO,
                number: 0,
                usage: Vec::new(),
                root: crate::log_tree::root(&[]),
                closing: None,
            },
        );
        Ok(Effect::Opened(id))
    }

    pub(crate) fn top_up(&mut self, by: AccountId, id: ChannelId, amount: Amount) -> Result<Effect, Reject> {
        if amount.is_zero() {
            return Err(Reject::AmountZero);
        }
        let mut channel = self.channel(&id).ok_or(Reject::ChannelUnknown)?.clone();
        if channel.payer != by {
            return Err(Reject::NotPayer);
        }
        if channel.closing.is_some() {
            return Err(Reject::ChannelClosing);
        }
        channel.deposit = channel.deposit.plus(amount).ok_or(Reject::BalanceTooLow)?;
        self.set_aside(by, amount)?;
        self.put_channel(id, channel);
        Ok(Effect::Done)
    }

    pub(crate) fn settle(&mut self, by: AccountId, voucher: &Signed<Voucher>) -> Result<Effect, Reject> {
        let id = voucher.body.channel;
        let channel = self.channel(&id).ok_or(Reject::ChannelUnknown)?;
        if channel.provider != by {
            return Err(Reject::NotProvider);
        }
        let limits = self.genesis().limits;
        let settlement = channel.check_voucher((self.network(), id), voucher, &limits, |offer| self.price(offer))?;
        let channel = channel.settled(&voucher.body, &settlement);
        self.charge_pots(by, settlement.royalties.len())?;
        self.put_channel(id, channel);
        self.credit(by, settlement.fee);
        let mut royalties = Amount::ZERO;
        for charge in &settlement.royalties {
            royalties = royalties.plus(charge.amount).unwrap_or(royalties);
            self.fill_pot(&charge.artifact, charge.amount);
        }
        self.move_total(|totals| &mut totals.deposits, Amount::ZERO, settlement.total);
        self.move_total(|totals| &mut totals.pots, royalties, Amount::ZERO);
        Ok(Effect::Settled(id, settlement))
    }

    pub(crate) fn close(&mut self, by: AccountId, id: ChannelId) -> Result<Effect, Reject> {
        let mut channel = self.channel(&id).ok_or(Reject::ChannelUnknown)?.clone();
        if channel.payer != by {
            return Err(Reject::NotPayer);
        }
        if channel.closing.is_some() {
            return Err(Reject::ChannelClosing);
        }
        channel.closing = Some(self.totals().time.plus(self.genesis().dispute_window_ms));
        self.put_channel(id, channel);
        Ok(Effect::Done)
    }

    pub(crate) fn release(&mut self, by: AccountId, id: ChannelId) -> Result<Effect, Reject> {
        let channel = self.channel(&id).ok_or(Reject::ChannelUnknown)?;
        if channel.provider != by {
            return Err(Reject::NotProvider);
        }
        Ok(self.end_channel(id, channel.payer, channel.free()))
    }

    pub(crate) fn finish(&mut self, id: ChannelId) -> Result<Effect, Reject> {
        let channel = self.channel(&id).ok_or(Reject::ChannelUnknown)?;
        if channel.closing.is_none_or(|end| end > self.totals().time) {
            return Err(Reject::ChannelOpen);
        }
        Ok(self.end_channel(id, channel.payer, channel.free()))
    }

    /// Returns what is left, and the channel's deposit, to its payer. The id is never used again.
    fn end_channel(&mut self, id: ChannelId, payer: AccountId, left: Amount) -> Effect {
        let returned = left.plus(self.genesis().deposits.channel).unwrap_or(left);
        self.remove_channel(id);
        self.give_back(payer, returned);
        Effect::Finished { channel: id, returned }
    }
}
