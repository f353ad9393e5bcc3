//! Reads an operation from the words of a script.

use ledger::{
    Bound, ChannelId, Digest, KeyProof, Kind, Line, Offer, OfferId, Operation, Payee, Publish, Register, Signature,
    Voucher,
};

use super::{
    Stage, Words, Wrong,
    words::{digests, in_order, names, rates, usage},
};
use crate::cast::{account, key};

impl Stage {
    pub(super) fn operation(&mut self, who: &str, verb: &str, words: &mut Words) -> Result<Operation, Wrong> {
        self.learn(who);
        let reference = Digest([0; 32]);
        Ok(match verb {
            "issue" => Operation::Issue { to: self.account(words)?, amount: words.amount()?, reference },
            "redeem" => Operation::Redeem { amount: words.amount()?, reference },
            "lift" => Operation::Lift { weight: Digest::of(words.next()?.as_bytes()) },
            "transfer" => Operation::Transfer { to: self.account(words)?, amount: words.amount()?, reference },
            "name" => Operation::Name { name: words.next()? },
            "rotate" => self.rotate(who, words)?,
            "publish" => Operation::Publish(self.publish(words)?),
            "tag" => {
                let artifact = Digest::of(words.next()?.as_bytes());
                Operation::Tag { artifact, name: words.next()?, tag: words.next()? }
            }
            "retire" => Operation::Retire { artifact: Digest::of(words.next()?.as_bytes()) },
            "register" => Operation::Register(Register { address: words.next()?, tls_key: None }),
            "offer" => Operation::Offer(offer(words)?),
            "withdraw" => Operation::Withdraw { offer: self.offer_id(&words.next()?) },
            "open" => {
                words.label = Some(words.next()?);
                let (provider, deposit) = (self.account(words)?, words.amount()?);
                let gateway_key = key(&words.take_or("key", "gateway")).public();
                Operation::Open { provider, gateway_key, deposit }
            }
            "topup" => Operation::TopUp { channel: self.channel_id(words)?, amount: words.amount()? },
            "settle" => self.settle(words)?,
            "close" => Operation::Close { channel: self.channel_id(words)? },
            "release" => Operation::Release { channel: self.channel_id(words)? },
            "finish" => Operation::Finish { channel: self.channel_id(words)? },
            "payout" => Operation::Payout { artifacts: digests(&words.next()?) },
            _ => return Err(format!("nobody can {verb}")),
        })
    }

    fn learn(&mut self, name: &str) {
        self.labels.insert(account(name).0, name.to_owned());
    }

    fn account(&mut self, words: &mut Words) -> Result<ledger::AccountId, Wrong> {
        let name = words.next()?;
        self.learn(&name);
        Ok(account(&name))
    }

    /// An offer's id; one that nobody made if the script never made it.
    fn offer_id(&self, label: &str) -> OfferId {
        self.offers.get(label).copied().unwrap_or(OfferId(Digest::of(label.as_bytes()).0))
    }

    fn channel_id(&self, words: &mut Words) -> Result<ChannelId, Wrong> {
        let label = words.next()?;
        Ok(self.channels.get(&label).copied().unwrap_or(ChannelId(Digest::of(label.as_bytes()).0)))
    }

    fn rotate(&mut self, who: &str, words: &mut Words) -> Result<Operation, Wrong> {
        let new = words.next()?;
        let prover = words.take_or("proof", &new);
        let sequence = self.state().account(&account(who)).sequence;
        let proof = KeyProof { account: account(&words.take_or("for", who)), sequence };
        let signature: Signature = key(&prover).sign(self.state().network(), proof).signature;
        words.label = Some(new.clone());
        Ok(Operation::Rotate { key: key(&new).public(), proof: signature })
    }

    fn publish(&mut self, words: &mut Words) -> Result<Publish, Wrong> {
        let label = words.next()?;
        self.labels.insert(Digest::of(label.as_bytes()).0, label.clone());
        let kind = match words.take_or("kind", "model").as_str() {
            "model" => Kind::Model,
            "adapter" => Kind::Adapter,
            "dataset" => Kind::Dataset,
            "recipe" => Kind::Recipe,
            "evaluation" => Kind::Evaluation,
            kind => return Err(format!("there is no kind {kind}")),
        };
        Ok(Publish {
            manifest: Digest::of(label.as_bytes()),
            kind,
            parents: digests(&words.take_or("parents", "")),
            royalty: rates(&words.take_or("royalty", "0/0"))?,
            payees: self.payees(&words.take_or("payees", ""))?,
            weights: digests(&words.take_or("weights", "")),
            name: words.take_or("name", &label),
            tag: words.take_or("tag", "latest"),
        })
    }

    fn payees(&mut self, list: &str) -> Result<Vec<Payee>, Wrong> {
        let (wrong_order, list) = names(list);
        let mut payees = Vec::new();
        for payee in list {
            let (name, weight) = payee.split_once(':').unwrap_or((&payee, "1"));
            self.learn(name);
            payees.push(Payee { account: account(name), weight: weight.parse().map_err(|_| "a weight is no number")? });
        }
        in_order(&mut payees, wrong_order, |payee| payee.account);
        Ok(payees)
    }

    fn settle(&mut self, words: &mut Words) -> Result<Operation, Wrong> {
        let named = words.take("channel");
        let channel = self.channel_id(words)?;
        let (wrong_order, list) = names(&words.take_or("lines", ""));
        let mut lines = Vec::new();
        for line in list {
            let (offer, used) = line.split_once(':').ok_or("a line is OFFER:INPUT/OUTPUT")?;
            lines.push(Line { offer: self.offer_id(offer), usage: usage(used)? });
        }
        in_order(&mut lines, wrong_order, |line| line.offer);
        let number = super::words::number(&words.take("number").ok_or("a voucher has a number=")?)?;
        let network = words.take("voucher").map_or(self.state().network(), |name| Digest::of(name.as_bytes()));
        let body = Voucher { channel, number, usage: lines, root: Digest::of(b"receipts") };
        let mut voucher = key(&words.take_or("key", "gateway")).sign(network, body);
        if let Some(name) = named {
            // Signed for one channel and then put under another.
            voucher.body.channel = self.channels.get(&name).copied().ok_or("no such channel")?;
        }
        Ok(Operation::Settle { voucher })
    }
}

fn offer(words: &mut Words) -> Result<Offer, Wrong> {
    words.label = Some(words.next()?);
    let number =
        |word: String| super::words::number(&word).and_then(|n| u32::try_from(n).map_err(|_| "too large".into()));
    Ok(Offer {
        artifact: Digest::of(words.next()?.as_bytes()),
        fee: rates(&words.take_or("fee", "0/0"))?,
        engine: words.take_or("engine", "llama.cpp/b1"),
        quantization: words.take_or("quantization", "Q4_0"),
        context: number(words.take_or("context", "4096"))?,
        default_output: number(words.take_or("default", "512"))?,
        bound: Bound { per_byte: 1, per_message: 8, constant: 16 },
    })
}
