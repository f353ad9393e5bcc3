//! What a proof says, for people and for programs.

use api::{
    log::Entry,
    proof::{Claim, Proof, Settled, Verified},
    text,
    witness::Cosigner,
};
use ledger::{Digest, Key, Operation, Record};
use serde_json::{Value, json};

use crate::{print, t};

/// A proof that is good for a network.
pub struct Proved<'a> {
    proof: &'a Proof,
    verified: Verified,
    /// Those of the named witnesses who cosigned the head, and when, in seconds since 1970.
    witnesses: Vec<(&'a Cosigner, u64)>,
}

impl<'a> Proved<'a> {
    /// Checks a proof for a network. Each named witness must have cosigned.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn check(proof: &'a Proof, network: Digest, witnesses: &'a [Cosigner]) -> Result<Self, String> {
        let verified = proof.verify(network)?;
        let cosigned = |witness: &'a Cosigner| {
            let time = witness.cosigned(&proof.checkpoint);
            time.map(|time| (witness, time)).ok_or_else(|| {
                let name = &witness.name;
                t!("the witness {name} did not cosign it", "증인 {name}의 서명이 없습니다")
            })
        };
        let witnesses = witnesses.iter().map(cosigned).collect::<Result<_, _>>()?;
        Ok(Self { proof, verified, witnesses })
    }

    /// As of when it is true: the time of the operation, or of the newest one before a state's root.
    fn time(&self) -> Option<String> {
        self.verified.time.map(|time| text::time(time.0))
    }

    /// What is proved, by whom, and where that is.
    pub fn json(&self) -> Value {
        let Verified { head, signers, time } = &self.verified;
        let witness = |(witness, time): &(&Cosigner, u64)| json!({ "name": witness.name, "key": witness.key.to_string(), "time": time });
        json!({
            "good": true,
            "proved": sentence(&self.proof.claim),
            "network": self.proof.genesis.network().to_string(),
            "origin": self.proof.genesis.origin,
            "entry": self.proof.index,
            "time": time.map(|time| time.0),
            "head": { "size": head.size, "root": head.root.to_string() },
            "signers": signers.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "witnesses": self.witnesses.iter().map(witness).collect::<Vec<_>>(),
        })
    }

    /// The same in sentences.
    pub fn say(&self) {
        let Verified { head, signers, .. } = &self.verified;
        print::line(&sentence(&self.proof.claim));
        let mut rows = Vec::new();
        rows.extend(self.time().map(|time| vec![t!("  as of", "  시점"), time]));
        let (entry, size) = (self.proof.index, head.size);
        let place = t!("entry {entry} of a log of {size}", "로그 항목 {size}개 가운데 {entry}번");
        rows.push(vec![t!("  in the log", "  로그"), place]);
        let genesis = &self.proof.genesis;
        rows.push(vec![t!("  network", "  네트워크"), format!("{}  {}", genesis.origin, genesis.network())]);
        for signer in signers {
            rows.push(vec![t!("  signed by", "  서명"), t!("its replica {signer}", "그 네트워크의 레플리카 {signer}")]);
        }
        for (witness, time) in &self.witnesses {
            let when = text::time(time.saturating_mul(1_000));
            rows.push(vec![t!("  witnessed by", "  증인"), format!("{}  {when}", witness.name)]);
        }
        print::table(&rows);
    }
}

/// What is proved, as a sentence.
fn sentence(claim: &Claim) -> String {
    match claim {
        Claim::Entry(entry) => of_entry(entry),
        Claim::Stood(stood) => match &stood.record {
            Some(record) => of_record(&stood.key, record),
            None => t!("the ledger does not know {}", "원장에 {}이(가) 없습니다", name(&stood.key)),
        },
        Claim::Settled(settled) => of_receipt(settled),
    }
}

fn of_entry(entry: &Entry) -> String {
    match entry {
        Entry::Genesis(genesis) => {
            t!("the network {} was founded so", "네트워크 {}는 이렇게 창설되었습니다", genesis.origin)
        }
        Entry::Root { root } => t!("the root of the state was {root}", "상태의 뿌리는 {root}였습니다"),
        Entry::Operation { signed, result, .. } => {
            let (account, what) = (signed.body.account, of_operation(&signed.body.operation));
            match ledger::Reject::from_number(*result) {
                None => t!("the account {account} did this: {what}", "계정 {account}이(가) 한 일: {what}"),
                Some(reject) => t!(
                    "the account {account} asked for this and was refused ({reject}): {what}",
                    "계정 {account}이(가) 요청했다가 거절당한 일({reject}): {what}"
                ),
            }
        }
    }
}

fn of_operation(operation: &Operation) -> String {
    match operation {
        Operation::Publish(publish) => {
            let (name, tag, id) = (&publish.name, &publish.tag, publish.manifest);
            t!("published {name}:{tag}, {id}", "{name}:{tag} 게시, {id}")
        }
        Operation::Issue { to, amount, .. } => t!("issued {amount} credits to {to}", "{to}에게 {amount} 크레딧 발행"),
        Operation::Transfer { to, amount, .. } => t!("sent {amount} credits to {to}", "{to}에게 {amount} 크레딧 보냄"),
        Operation::Settle { voucher } => {
            let (channel, number) = (voucher.body.channel, voucher.body.number);
            t!("settled the channel {channel} up to receipt {number}", "채널 {channel}을 영수증 {number}까지 정산")
        }
        // As the rules call it, with all its fields.
        other => format!("{other:?}"),
    }
}

fn of_record(key: &Key, record: &Record) -> String {
    let name = name(key);
    match record {
        Record::Account(account) => {
            let (balance, sequence) = (account.balance, account.sequence);
            let called = account.name.as_deref().map(|name| format!("{name} = ")).unwrap_or_default();
            t!(
                "{called}{name} had {balance} credits after {sequence} operations of its own",
                "{called}{name}에는 스스로 한 연산 {sequence}개 뒤에 {balance} 크레딧이 있었습니다"
            )
        }
        Record::Artifact(artifact) => {
            let (publish, by, day) = (&artifact.publish, artifact.publisher, text::time(artifact.time.0));
            let (input, output) = (publish.royalty.input, publish.royalty.output);
            t!(
                "{name} was published as {}:{} by the account {by} on {day}, with {} parents and a royalty of {input} / {output} pico-credits a token",
                "{name}은 계정 {by}가 {day}에 {}:{}으로 게시했고, 부모는 {}개, 로열티는 토큰마다 {input} / {output} 피코크레딧입니다",
                publish.name,
                publish.tag,
                publish.parents.len()
            )
        }
        Record::Channel(channel) => {
            let (payer, provider, number) = (channel.payer, channel.provider, channel.number);
            let (deposit, spent) = (channel.deposit, channel.spent);
            t!(
                "{name} from {payer} to {provider} held {deposit} credits, of which {spent} were settled by {number} receipts",
                "{payer}이(가) {provider}에게 연 {name}의 예치금은 {deposit} 크레딧이고, 영수증 {number}개로 {spent}를 정산했습니다"
            )
        }
        Record::Name(account) => t!("{name} is that of the account {account}", "{name}의 주인은 계정 {account}입니다"),
        other => t!("{name} stood as {other:?}", "{name}의 기록: {other:?}"),
    }
}

/// What a key stands for.
fn name(key: &Key) -> String {
    match key {
        Key::Totals => t!("sums over everything", "전체 합계"),
        Key::Account(id) => t!("the account {id}", "계정 {id}"),
        Key::Name(name) => t!("the name {name}", "이름 {name}"),
        Key::Artifact(id) => t!("the artifact {id}", "아티팩트 {id}"),
        Key::Tag(by, name, tag) => t!("the tag {name}:{tag} of the account {by}", "계정 {by}의 태그 {name}:{tag}"),
        Key::Weight(digest) => t!("the weight file {digest}", "가중치 파일 {digest}"),
        Key::Pot(id) => t!("the pot of {id}", "{id}의 로열티 항아리"),
        Key::Offer(id) => t!("the offer {id}", "제공 조건 {id}"),
        Key::Channel(id) => t!("the channel {id}", "채널 {id}"),
    }
}

fn of_receipt(settled: &Settled) -> String {
    let receipt = &settled.receipt.body;
    let (order, usage, number) = (&receipt.order.body, receipt.usage, receipt.number);
    t!(
        "receipt {} ({} tokens in, {} out, at the offer {}) is settled: number {number} of the channel {}",
        "영수증 {}(입력 {}토큰, 출력 {}토큰, 제공 조건 {})은 정산되었습니다: 채널 {4}의 {number}번",
        order.id,
        usage.input,
        usage.output,
        order.offer,
        order.channel
    )
}
