//! Proves a bill from the public log alone: nothing that the gateway says is believed before it was recomputed.

use api::{
    Settled,
    view::{Bill, BillLine, ReceiptView, VoucherProof, What},
};
use ledger::{
    BillPayee, Channel, ChannelId, Digest, Effect, Operation, Receipt, Signed, State, Usage, Voucher, log_tree,
};
use replica::audit::{Report, Step};
use serde::Serialize;

use crate::t;

/// What the log has to say of one receipt, seen while it is replayed: a channel may be finished and gone at its end.
pub struct Seen {
    channel: ChannelId,
    number: u64,
    opened: Option<Channel>,
    settled: Option<Settled>,
}

impl Seen {
    /// Nothing yet of this receipt.
    pub fn new(receipt: &Signed<Receipt>) -> Self {
        Self { channel: receipt.body.order.body.channel, number: receipt.body.number, opened: None, settled: None }
    }

    /// Sees the next operation of the log.
    pub fn see(&mut self, step: Step<'_>) {
        match (&step.request.operation, &step.outcome.effect) {
            (_, Effect::Opened(id)) if *id == self.channel => self.opened = step.state.channel(id).cloned(),
            (Operation::Settle { voucher }, Effect::Settled(id, _))
                if *id == self.channel && voucher.body.number >= self.number && self.settled.is_none() =>
            {
                self.settled = Some(Settled { entry: step.entry, at: step.at, voucher: voucher.clone() });
            }
            _ => {}
        }
    }
}

/// One thing that was checked.
#[derive(Debug, Serialize)]
pub struct Check {
    /// How it ended.
    pub outcome: Outcome,
    /// What was checked, or what is wrong.
    pub what: String,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It holds.
    Holds,
    /// It cannot hold yet.
    NotYet,
    /// It is false; nothing after it was checked.
    Wrong,
}

/// What was proved.
#[derive(Debug, Serialize)]
pub struct Proof {
    /// In order; a wrong one is the last.
    pub checks: Vec<Check>,
    /// As recomputed, with the gateway's own fee as it says it. None of a receipt that was refused.
    pub bill: Option<Bill>,
}

impl Proof {
    /// True if nothing is wrong.
    pub fn holds(&self) -> bool {
        self.checks.iter().all(|check| check.outcome != Outcome::Wrong)
    }

    fn holds_that(&mut self, what: String) {
        self.checks.push(Check { outcome: Outcome::Holds, what });
    }

    fn not_yet(&mut self, what: String) {
        self.checks.push(Check { outcome: Outcome::NotYet, what });
    }
}

/// What was audited.
pub struct Log<'a> {
    pub report: &'a Report,
    pub state: &'a State,
    pub seen: &'a Seen,
}

/// Checks everything about a receipt that the log can tell.
pub fn prove(view: &ReceiptView, receipt: &Signed<Receipt>, log: &Log<'_>) -> Proof {
    let mut proof = Proof { checks: Vec::new(), bill: None };
    let entries = log.report.entries;
    proof.holds_that(t!(
        "the log: {entries} entries replayed, and the head that the provider had seen is one of its own",
        "로그: 항목 {entries}개를 다시 실행했고, 제공자가 보았던 머리도 이 로그의 것입니다"
    ));
    if let Err(what) = go_on(view, receipt, log, &mut proof) {
        proof.checks.push(Check { outcome: Outcome::Wrong, what });
    }
    proof
}

fn go_on(view: &ReceiptView, receipt: &Signed<Receipt>, log: &Log<'_>, proof: &mut Proof) -> Result<(), String> {
    let channel = signatures(view, receipt, log, proof)?;
    if view.state == "refused" {
        return match &view.bill {
            Some(_) => Err(t!("it was refused, and billed all the same", "거절했는데도 값을 매겼습니다")),
            None => {
                proof.holds_that(t!(
                    "the gateway refused it: nothing is billed",
                    "게이트웨이가 거절했습니다: 값이 없습니다"
                ));
                Ok(())
            }
        };
    }
    let (usage, limit) = (receipt.body.usage, receipt.body.order.body.limit);
    require(usage.input <= limit.input && usage.output <= limit.output, || {
        t!("it counts more tokens than were ordered", "주문보다 많은 토큰을 셉니다")
    })?;
    proof.bill = Some(bill(view, receipt, log, channel)?);
    proof.holds_that(t!(
        "the bill: each line is a price of the offer on the ledger × the tokens of the receipt, and they sum exactly",
        "계산서: 줄마다 원장에 있는 제안의 값 × 영수증의 토큰이고, 합이 정확히 맞습니다"
    ));
    match &view.voucher {
        Some(voucher) => covered(receipt, voucher, log.report.network, channel)?,
        None => {
            proof.not_yet(t!(
                "no voucher covers it yet; it is signed a moment after the answer",
                "아직 덮는 지급 증서가 없습니다. 답이 끝나고 곧 서명합니다"
            ));
            return Ok(());
        }
    }
    proof.holds_that(t!(
        "the receipt is under the root of a voucher that the gateway signed",
        "영수증이 게이트웨이가 서명한 지급 증서의 뿌리 아래에 있습니다"
    ));
    settled(view, log, proof)
}

fn require(holds: bool, wrong: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(wrong()) }
}

/// Order and receipt are of this network, and signed by the keys that their channel was opened with.
fn signatures<'a>(
    view: &ReceiptView,
    receipt: &Signed<Receipt>,
    log: &Log<'a>,
    proof: &mut Proof,
) -> Result<&'a Channel, String> {
    let (order, network) = (&receipt.body.order, log.report.network);
    require(view.network == network.to_string(), || {
        let other = &view.network;
        t!(
            "the receipt is of the network {other}, and the log of {network}",
            "영수증은 네트워크 {other}의 것이고 로그는 {network}의 것입니다"
        )
    })?;
    let channel = log.seen.opened.as_ref().ok_or_else(|| {
        let id = order.body.channel;
        t!("nobody opened the channel {id} in this log", "이 로그에는 채널 {id}를 연 기록이 없습니다")
    })?;
    require(order.verify(network, channel.gateway_key), || {
        t!("the order is not signed by the channel's gateway key", "주문에 채널의 게이트웨이 키로 한 서명이 없습니다")
    })?;
    require(order == &view.order.0 && order.body.offer == view.offer && order.body.id.to_string() == view.id, || {
        t!("the receipt is of another order", "다른 주문의 영수증입니다")
    })?;
    proof.holds_that(t!(
        "the order is signed by the channel's gateway key",
        "주문에 채널의 게이트웨이 키로 한 서명이 있습니다"
    ));
    require(receipt.verify(network, channel.provider_key), || {
        t!("the receipt is not signed by the channel's provider key", "영수증에 채널의 제공자 키로 한 서명이 없습니다")
    })?;
    let Usage { input, output } = receipt.body.usage;
    require(view.input == Some(input) && view.output == Some(output), || {
        t!(
            "the receipt counts {input} and {output} tokens, and is shown with others",
            "영수증은 {input}, {output}토큰을 세는데 다르게 보여 줍니다"
        )
    })?;
    proof.holds_that(t!(
        "the receipt, number {} of its channel, is signed by the channel's provider key",
        "영수증(채널의 {}번째)에 채널의 제공자 키로 한 서명이 있습니다",
        receipt.body.number
    ));
    Ok(channel)
}

/// The bill as the ledger's prices make it, compared with the one that was shown.
fn bill(view: &ReceiptView, receipt: &Signed<Receipt>, log: &Log<'_>, channel: &Channel) -> Result<Bill, String> {
    let state = log.state;
    let no_price = || t!("the ledger does not know the offer {}", "원장에 제공 조건 {}이 없습니다", view.offer);
    let offer = state.offer(&view.offer).ok_or_else(no_price)?;
    require(offer.provider == channel.provider, || {
        t!("the offer is not of the channel's provider", "채널의 제공자가 낸 제안이 아닙니다")
    })?;
    let price = state.price(&view.offer).map_err(|_| no_price())?;
    let usage = receipt.body.usage;
    let mut bill = Bill::of(view.id.clone(), &price, usage, |payee| name(state, payee)).ok_or_else(no_price)?;
    let shown = view.bill.as_ref().ok_or_else(|| t!("no bill is shown", "보여 준 계산서가 없습니다"))?;
    let (fees, lines): (Vec<_>, Vec<_>) = shown.lines.iter().partition(|line| line.what == What::GatewayFee);
    require(lines.len() == bill.lines.len(), || {
        t!(
            "the bill has {} lines, and the ledger's prices make {}",
            "계산서는 {}줄인데 원장의 값으로는 {}줄입니다",
            lines.len(),
            bill.lines.len()
        )
    })?;
    let same = |(ours, shown): (&BillLine, &&BillLine)| {
        let line = |line: &BillLine| (line.id.clone(), line.what, line.input_rate, line.output_rate, line.pico.clone());
        line(ours) == line(shown)
    };
    if let Some((ours, shown)) = bill.lines.iter().zip(&lines).find(|pair| !same(*pair)) {
        return Err(t!(
            "the bill says {} pico for {}, and the ledger's prices make {} pico for {}",
            "계산서는 {} 피코를 {}에게 주라는데, 원장의 값으로는 {} 피코를 {}에게 줍니다",
            shown.pico,
            shown.payee,
            ours.pico,
            ours.payee
        ));
    }
    // The gateway's own fee is between it and the API key's holder: it can be summed, and not looked up.
    bill.lines.extend(fees.into_iter().cloned());
    let sum = bill.lines.iter().try_fold(0u128, |sum, line| sum.checked_add(line.pico.parse().ok()?));
    bill.pico = sum.map(|sum| sum.to_string()).ok_or_else(|| t!("a fee is not a number", "수수료가 수가 아닙니다"))?;
    require(bill.pico == shown.pico, || {
        t!(
            "the lines sum to {} pico, and the bill says {}",
            "줄의 합은 {} 피코인데 계산서는 {} 피코입니다",
            bill.pico,
            shown.pico
        )
    })?;
    Ok(bill)
}

/// How people call a payee, as of the end of the log.
fn name(state: &State, payee: &BillPayee) -> String {
    let account = |id| state.account(&id).name.unwrap_or_else(|| id.to_string());
    match payee {
        BillPayee::Provider(id) => account(*id),
        BillPayee::Artifact(id) => {
            let mut tags: Vec<_> = state.tags().filter(|(_, tagged)| *tagged == id).map(|(tag, _)| tag).collect();
            tags.sort_by_key(|(_, _, tag)| tag != "latest");
            tags.first().map_or_else(|| id.to_string(), |(by, name, tag)| format!("{}/{name}:{tag}", account(*by)))
        }
    }
}

/// The receipt's digest is a leaf under the voucher's root, at its number's place.
fn covered(receipt: &Signed<Receipt>, proof: &VoucherProof, network: Digest, channel: &Channel) -> Result<(), String> {
    let voucher: &Signed<Voucher> = &proof.voucher.0;
    let of_channel = voucher.body.channel == receipt.body.order.body.channel;
    require(of_channel && voucher.verify(network, channel.gateway_key), || {
        t!(
            "the voucher is not signed by the channel's gateway key",
            "지급 증서에 채널의 게이트웨이 키로 한 서명이 없습니다"
        )
    })?;
    let path: Option<Vec<Digest>> = proof.path.iter().map(|hash| hash.parse().ok()).collect();
    let leaf = log_tree::leaf(&receipt.digest().0);
    let root = path.and_then(|path| log_tree::follow(leaf, proof.index, voucher.body.number, &path));
    require(proof.index.checked_add(1) == Some(receipt.body.number) && root == Some(voucher.body.root), || {
        t!("the receipt is not under the voucher's root", "영수증이 지급 증서의 뿌리 아래에 없습니다")
    })
}

/// That very voucher is settled in the log, and a signed head covers the settlement.
fn settled(view: &ReceiptView, log: &Log<'_>, proof: &mut Proof) -> Result<(), String> {
    let Some(Settled { entry, voucher, .. }) = &log.seen.settled else {
        proof.not_yet(t!(
            "the voucher is not settled on the ledger yet; providers settle every minute or so",
            "지급 증서가 아직 원장에 정산되지 않았습니다. 제공자는 1분쯤마다 정산합니다"
        ));
        return require(view.settlement.is_none(), || {
            t!(
                "it is said to be settled, and the log holds no such settlement",
                "정산했다는데 로그에는 그런 정산이 없습니다"
            )
        });
    };
    if view.voucher.as_ref().is_none_or(|shown| shown.voucher.0 != *voucher) {
        proof.not_yet(t!(
            "entry {entry} settled a newer voucher than this one; get the receipt again to see its place there",
            "항목 {entry}에서 더 새로운 지급 증서를 정산했습니다. 그 안의 자리를 보려면 영수증을 다시 받으세요"
        ));
        return Ok(());
    }
    proof.holds_that(t!(
        "that voucher is settled on the ledger by entry {entry}: everybody on the bill is paid",
        "그 지급 증서를 원장의 항목 {entry}에서 정산했습니다: 계산서의 모두가 받았습니다"
    ));
    match &log.report.signed {
        Some(head) if head.size > *entry => proof.holds_that(t!(
            "a replica signed a head over it ({} entries)",
            "레플리카가 그것까지 서명했습니다 (항목 {}개)",
            head.size
        )),
        _ => proof.not_yet(t!(
            "this copy of the log holds no signed head over that entry; the address of a replica does",
            "로그의 이 사본에는 그 항목까지 서명한 머리가 없습니다. 레플리카의 주소에는 있습니다"
        )),
    }
    Ok(())
}
