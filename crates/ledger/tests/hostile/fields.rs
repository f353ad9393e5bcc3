//! Every operation with each of its fields wrong in turn: each has a refusal of its own, which leaves everything else alone.
//! What fields there are is read from the operations themselves, so that a new one cannot be forgotten.

use ledger::{
    Amount, ChannelId, Key, Line, Offer, OfferId, Operation, Payee, Publish, Rates, Register, Reject, Request,
    Signature, Signed, State, Time, Usage, Voucher, encode,
};
use std::collections::{BTreeMap, BTreeSet};

use crate::{
    cast::{account, assert_conserved, key, request, sign},
    every::{name, operations},
    shop::{REFERENCE, World, digest, good, issue, offer, open, publish, rotate, settle},
};

/// A field that is wrong, what it is wrong in, and what it must be refused with.
type Wrong = (&'static str, Operation, Reject);

fn money(world: &World) -> Vec<Wrong> {
    let (reference, to, base) = (REFERENCE, account("pat"), digest("base"));
    let transfer = |to: &str, amount| Operation::Transfer { to: account(to), amount: Amount(amount), reference };
    let redeem = |amount| Operation::Redeem { amount: Amount(amount), reference };
    vec![
        ("amount", issue("pat", 0), Reject::AmountZero),
        ("amount", Operation::Issue { to, amount: Amount(1 << 96), reference }, Reject::SupplyExceeded),
        ("amount", Operation::Issue { to, amount: Amount(u128::MAX), reference }, Reject::SupplyExceeded),
        ("amount", redeem(0), Reject::AmountZero),
        ("amount", redeem(u128::MAX), Reject::BalanceTooLow),
        ("weight", Operation::Lift { weight: digest("nothing") }, Reject::WeightUnknown),
        ("to", transfer("ann", 5), Reject::SelfTransfer),
        ("amount", transfer("pat", 0), Reject::AmountZero),
        ("amount", transfer("pat", u128::MAX), Reject::BalanceTooLow),
        ("name", Operation::Name { name: "Pat".into() }, Reject::NameInvalid),
        ("name", Operation::Name { name: "root".into() }, Reject::NameReserved),
        ("name", Operation::Name { name: "ann".into() }, Reject::NameTaken),
        ("key", rotate(world, "pat", 0), Reject::KeyUnchanged),
        ("proof", rotate(world, "pat2", 1), Reject::KeyUnproven),
        ("address", Operation::Register(Register { address: "door".into(), tls_key: None }), Reject::AddressInvalid),
        ("artifacts", Operation::Payout { artifacts: Vec::new() }, Reject::PayoutInvalid),
        ("artifacts", Operation::Payout { artifacts: vec![base, base] }, Reject::PayoutInvalid),
        ("artifacts", Operation::Payout { artifacts: vec![digest("nothing")] }, Reject::ArtifactUnknown),
        ("artifacts", Operation::Payout { artifacts: vec![digest("data")] }, Reject::NothingDue),
    ]
}

fn works() -> Vec<Wrong> {
    let fresh = || publish("tune");
    let (base, gone, nothing) = (digest("base"), digest("gone"), digest("nothing"));
    let rates = |input, output| Rates { input, output };
    let payee = |name: &str, weight| Payee { account: account(name), weight };
    let lone = Publish { parents: Vec::new(), weights: vec![digest("weights of theirs")], ..fresh() };
    let wrong = [
        ("manifest", Publish { manifest: base, ..fresh() }, Reject::ArtifactExists),
        ("parents", Publish { parents: vec![base, base], ..fresh() }, Reject::ParentsInvalid),
        ("parents", Publish { parents: vec![nothing], ..fresh() }, Reject::ParentUnknown),
        ("parents", Publish { parents: vec![gone], ..fresh() }, Reject::ParentRetired),
        ("input", Publish { royalty: rates(11, 0), ..fresh() }, Reject::RoyaltyTooHigh),
        ("output", Publish { royalty: rates(0, u64::MAX), ..fresh() }, Reject::RoyaltyTooHigh),
        ("payees", Publish { payees: Vec::new(), ..fresh() }, Reject::PayeesInvalid),
        ("account", Publish { payees: vec![payee("ann", 1), payee("ann", 1)], ..fresh() }, Reject::PayeesInvalid),
        ("weight", Publish { payees: vec![payee("ann", 0)], ..fresh() }, Reject::PayeesInvalid),
        ("weights", Publish { weights: vec![nothing, nothing], ..fresh() }, Reject::WeightsInvalid),
        ("weights", lone, Reject::AncestorMissing),
        ("name", Publish { name: "Tune".into(), ..fresh() }, Reject::ArtifactNameInvalid),
        ("tag", Publish { tag: String::new(), ..fresh() }, Reject::ArtifactNameInvalid),
    ];
    let mut wrong: Vec<Wrong> =
        wrong.map(|(field, publish, reject)| (field, Operation::Publish(publish), reject)).into();
    let tag = |name: &str, tag: &str, artifact| Operation::Tag { name: name.into(), tag: tag.into(), artifact };
    wrong.extend([
        ("name", tag("", "stable", base), Reject::ArtifactNameInvalid),
        ("tag", tag("base", "a b", base), Reject::ArtifactNameInvalid),
        ("artifact", tag("base", "stable", nothing), Reject::ArtifactUnknown),
        ("artifact", tag("base", "stable", digest("theirs")), Reject::NotPublisher),
        ("artifact", Operation::Retire { artifact: nothing }, Reject::ArtifactUnknown),
        ("artifact", Operation::Retire { artifact: gone }, Reject::ArtifactRetired),
        ("artifact", Operation::Retire { artifact: digest("theirs") }, Reject::NotPublisher),
    ]);
    wrong
}

fn offers(world: &World) -> Vec<Wrong> {
    let wrong = [
        ("artifact", Offer { artifact: digest("nothing"), ..offer() }, Reject::ArtifactUnknown),
        ("artifact", Offer { artifact: digest("gone"), ..offer() }, Reject::ArtifactRetired),
        ("artifact", Offer { artifact: digest("data"), ..offer() }, Reject::ArtifactNotRunnable),
        ("engine", Offer { engine: "e".repeat(64), ..offer() }, Reject::OfferInvalid),
        ("quantization", Offer { quantization: "\n".into(), ..offer() }, Reject::OfferInvalid),
        ("context", Offer { context: 511, ..offer() }, Reject::OfferInvalid),
        ("default_output", Offer { default_output: 0, ..offer() }, Reject::OfferInvalid),
    ];
    let mut wrong: Vec<Wrong> = wrong.map(|(field, offer, reject)| (field, Operation::Offer(offer), reject)).into();
    wrong.extend([
        ("offer", Operation::Withdraw { offer: OfferId([9; 32]) }, Reject::OfferUnknown),
        ("offer", Operation::Withdraw { offer: world.foreign }, Reject::NotProvider),
        ("offer", Operation::Withdraw { offer: world.withdrawn }, Reject::OfferWithdrawn),
    ]);
    wrong
}

fn channels(world: &World) -> Vec<Wrong> {
    let (channel, closing, unknown, amount) = (world.channel, world.closing, ChannelId([9; 32]), Amount(5));
    vec![
        ("deposit", open("sam", 0), Reject::AmountZero),
        ("deposit", open("sam", u128::MAX), Reject::BalanceTooLow),
        ("channel", Operation::TopUp { channel: unknown, amount }, Reject::ChannelUnknown),
        ("channel", Operation::TopUp { channel: closing, amount }, Reject::ChannelClosing),
        ("amount", Operation::TopUp { channel, amount: Amount(0) }, Reject::AmountZero),
        ("amount", Operation::TopUp { channel, amount: Amount(u128::MAX) }, Reject::BalanceTooLow),
        ("channel", Operation::Close { channel: unknown }, Reject::ChannelUnknown),
        ("channel", Operation::Close { channel: closing }, Reject::ChannelClosing),
        ("channel", Operation::Release { channel: unknown }, Reject::ChannelUnknown),
        ("channel", Operation::Finish { channel: unknown }, Reject::ChannelUnknown),
        ("channel", Operation::Finish { channel }, Reject::ChannelOpen),
    ]
}

fn vouchers(world: &World) -> Vec<Wrong> {
    let fresh = || world.voucher(2, 3);
    let line = |offer, input, output| Line { offer, usage: Usage { input, output } };
    let lines = |usage| Voucher { usage, ..fresh() };
    let offer = world.offer;
    let wrong = [
        ("channel", Voucher { channel: ChannelId([9; 32]), ..fresh() }, Reject::ChannelUnknown),
        ("number", Voucher { number: 1, ..fresh() }, Reject::VoucherNotNewer),
        ("usage", lines(vec![line(offer, 3, 3); 2]), Reject::VoucherLinesInvalid),
        ("usage", lines(Vec::new()), Reject::VoucherFalls),
        ("input", lines(vec![line(offer, 1, 3)]), Reject::VoucherFalls),
        ("output", lines(vec![line(offer, 3, 1)]), Reject::VoucherFalls),
        ("input", lines(vec![line(offer, u64::MAX, 3)]), Reject::VoucherLinesInvalid),
        ("output", lines(vec![line(offer, 3, 1 << 47)]), Reject::DepositExceeded),
        ("offer", lines(in_order(line(offer, 3, 3), line(world.foreign, 1, 1))), Reject::VoucherOfferForeign),
        ("offer", lines(in_order(line(offer, 3, 3), line(OfferId([9; 32]), 1, 1))), Reject::VoucherOfferForeign),
    ];
    let mut wrong: Vec<Wrong> = wrong.map(|(field, voucher, reject)| (field, settle(world, voucher), reject)).into();
    let forged = Signed { body: fresh(), signature: Signature([1; 64]) };
    wrong.push(("signature", Operation::Settle { voucher: forged }, Reject::VoucherWrongChannel));
    wrong
}

fn in_order(one: Line, other: Line) -> Vec<Line> {
    let mut lines = vec![one, other];
    lines.sort_by_key(|line| line.offer);
    lines
}

/// Fields that cannot be wrong, with the reason. Those of a request are spoiled beside every operation.
const FREE: &[(&str, &str)] = &[
    ("Issue to", "anybody may receive; an account needs no record before"),
    ("Issue reference", "means nothing to the rules"),
    ("Redeem reference", "means nothing to the rules"),
    ("Transfer reference", "means nothing to the rules"),
    ("Publish kind", "a number that is no kind is Malformed; an offer of a kind that does not run is refused there"),
    ("Publish royalty", "its two rates are spoiled one by one"),
    ("Register tls_key", "whoever calls compares it; a wrong one harms only its own account"),
    ("Offer fee", "any price can be asked; nobody must pay it"),
    ("Offer input", "of the fee"),
    ("Offer output", "of the fee"),
    ("Offer bound", "means nothing to the rules"),
    ("Offer per_byte", "of the bound"),
    ("Offer per_message", "of the bound"),
    ("Offer constant", "of the bound"),
    ("Open provider", "anybody may be paid; an account needs no record before"),
    ("Open gateway_key", "with a key that nobody holds the channel pays nothing, and its payer takes the deposit back"),
    ("Settle voucher", "its parts are spoiled one by one"),
    ("Settle body", "its parts are spoiled one by one"),
    ("Settle root", "the ledger sees no receipts; whoever has one compares it"),
];

/// The operation's fields at any depth, as `Name field`.
fn fields(operation: &Operation) -> BTreeSet<String> {
    let (text, name) = (format!("{operation:?}"), name(operation));
    let words = text.split([' ', '{', '(', '[']);
    let fields = words.filter_map(|word| word.strip_suffix(':')).filter(|word| !word.is_empty());
    fields.map(|field| format!("{name} {field}")).collect()
}

/// Asks on a copy. Says what comes of it, and checks that a refusal left alone what it must.
fn asked(world: &World, who: &str, signed: Signed<Request>) -> Option<Reject> {
    let (before, mut after) = (&world.state, world.state.clone());
    let verified = signed.into_verified(before.network());
    // The dispute window of the closing channel is over.
    let result = verified.and_then(|verified| after.apply(Time(9_000), &verified));
    assert_conserved(&after);
    let reject = result.err()?;
    let records =
        |state: &State| state.records().map(|(key, record)| (key, encode(&record))).collect::<BTreeMap<_, _>>();
    let (mut old, mut new) = (records(before), records(&after));
    if !reject.is_admission() {
        let mut expected = before.account(&account(who));
        expected.sequence += 1;
        assert_eq!(after.account(&account(who)), expected, "a refusal takes the sequence alone where nothing costs");
        for key in [Key::Totals, Key::Account(account(who))] {
            old.remove(&key);
            new.remove(&key);
        }
    }
    assert!(old == new, "{} changed something", reject.name());
    Some(reject)
}

#[test]
fn each_field_that_is_wrong_has_its_refusal() {
    let world = World::new();
    let askers: BTreeMap<String, &str> = good(&world).iter().map(|(who, operation)| (name(operation), *who)).collect();
    let wrong = [money(&world), works(), offers(&world), channels(&world), vouchers(&world)].concat();
    let mut covered: BTreeSet<String> = FREE.iter().map(|(field, _)| (*field).to_owned()).collect();
    for (field, operation, expected) in wrong {
        let name = name(&operation);
        let who = askers[&name];
        let signed = sign(request(&world.state, (who, who), operation), who);
        assert_eq!(asked(&world, who, signed), Some(expected), "{field} of {name}");
        let known = covered.insert(format!("{name} {field}"));
        assert!(
            known || !FREE.iter().any(|(free, _)| *free == format!("{name} {field}")),
            "{name} {field} is not free"
        );
    }
    let all: BTreeSet<String> = good(&world).iter().flat_map(|(_, operation)| fields(operation)).collect();
    assert_eq!(covered, all, "each field is spoiled once at least, or said to be free");
}

/// What comes of each operation that is good as it is, if mallory asks for it, who has and is nothing.
const STRANGER: &[(&str, Option<Reject>)] = &[
    ("Issue", Some(Reject::NotIssuer)),
    ("Redeem", Some(Reject::NotIssuer)),
    ("Lift", Some(Reject::NotIssuer)),
    ("Transfer", Some(Reject::BalanceTooLow)),
    ("Name", Some(Reject::BalanceTooLow)),
    ("Rotate", Some(Reject::KeyUnproven)),
    ("Publish", Some(Reject::BalanceTooLow)),
    ("Tag", Some(Reject::NotPublisher)),
    ("Retire", Some(Reject::NotPublisher)),
    ("Register", None),
    ("Offer", Some(Reject::BalanceTooLow)),
    ("Withdraw", Some(Reject::NotProvider)),
    ("Open", Some(Reject::BalanceTooLow)),
    ("TopUp", Some(Reject::NotPayer)),
    ("Settle", Some(Reject::NotProvider)),
    ("Close", Some(Reject::NotPayer)),
    ("Release", Some(Reject::NotProvider)),
    ("Finish", None),
    ("Payout", None),
];

/// The ledger finds the channel by the voucher; whoever has the channel first, as a provider has, must find the voucher foreign.
#[test]
fn a_voucher_is_for_its_own_channel_alone() {
    let world = World::new();
    let (state, channel) = (&world.state, world.state.channel(&world.channel).unwrap());
    let voucher = key("gateway").sign(state.network(), world.voucher(2, 3));
    let limits = state.genesis().limits;
    let check =
        |id| channel.check_voucher((state.network(), id), &voucher, &limits, |offer| state.price(offer)).map(drop);
    assert_eq!(check(world.channel), Ok(()));
    assert_eq!(check(world.closing), Err(Reject::VoucherWrongChannel));
}

#[test]
fn each_operation_is_refused_whoever_must_not_ask() {
    let world = World::new();
    let asked_by_mallory = good(&world).into_iter().map(|(_, operation)| {
        let name = name(&operation);
        (name, asked(&world, "mallory", sign(request(&world.state, ("mallory", "mallory"), operation), "mallory")))
    });
    let expected = STRANGER.iter().map(|(name, reject)| ((*name).to_owned(), *reject));
    assert_eq!(asked_by_mallory.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
}

/// The tests of this file, and of `fuzz.rs`, walk over these.
#[test]
fn there_is_a_good_one_of_each_operation() {
    let good = good(&World::new());
    let good = good.iter().map(|(_, operation)| (encode(operation)[0], name(operation)));
    assert_eq!(good.collect::<Vec<_>>(), operations());
}

#[test]
fn each_operation_is_refused_at_the_door_for_each_field_of_its_request() {
    let world = World::new();
    for (who, operation) in good(&world) {
        let fresh = || request(&world.state, (who, who), operation.clone());
        // A field more does not compile, and is to be spoiled below.
        let Request { network: _, account: _, key: _, sequence: _, not_after: _, operation: _ } = fresh();
        let (next, other) = (fresh().sequence, account("mallory"));
        let past = Request { sequence: next.wrapping_sub(1), ..fresh() };
        let early = if next == 0 { Reject::SequenceFuture } else { Reject::SequencePast };
        let forged = Signed { body: fresh(), signature: Signature([0; 64]) };
        let claimed = Request { key: key("mallory").public(), ..fresh() };
        let refused = |signed| asked(&world, who, signed);
        assert_eq!(refused(sign(fresh(), who)), None, "it is good as it is: {operation:?}");
        assert_eq!(refused(sign(Request { network: digest("other"), ..fresh() }, who)), Some(Reject::WrongNetwork));
        assert_eq!(refused(sign(Request { account: other, ..fresh() }, who)), Some(Reject::KeyNotCurrent));
        assert_eq!(refused(sign(claimed.clone(), who)), Some(Reject::BadSignature));
        assert_eq!(refused(sign(claimed, "mallory")), Some(Reject::KeyNotCurrent));
        assert_eq!(refused(sign(past, who)), Some(early));
        assert_eq!(refused(sign(Request { sequence: next + 1, ..fresh() }, who)), Some(Reject::SequenceFuture));
        assert_eq!(refused(sign(Request { not_after: Time(8_999), ..fresh() }, who)), Some(Reject::Expired));
        assert_eq!(refused(forged), Some(Reject::BadSignature));
    }
}
