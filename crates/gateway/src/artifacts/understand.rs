//! What a card says of a work, in sentences, before anything is sent: for clients that ask before they upload.

use blobs::recognize::recognize_card;
use ledger::{Amount, Digest, Kind, Publish, Rates};
use std::sync::Arc;

use super::{
    check::Check,
    draft::Draft,
    library::{Index, LATEST},
    show::royalties,
};
use crate::{error::Problem, gateway::Buyer};

/// What a card says.
pub struct Understood {
    /// What was understood, and what its publisher should know.
    pub said: Vec<String>,
    /// What keeps it from being published.
    pub wrong: Vec<String>,
    /// What the work is, if the card says it.
    pub kind: Option<Kind>,
}

/// Reads a card as publishing does.
pub fn understand(buyer: &Buyer, index: Arc<Index>, card: &str) -> Understood {
    let draft = Draft {
        name: String::new(),
        files: Vec::new(),
        kind: None,
        parents: None,
        royalty: None,
        payees: Vec::new(),
        license: None,
        source: None,
    };
    let (read, me) = (recognize_card(card), buyer.config.payer.id());
    let check = Check { buyer, index, draft: &draft, me };
    let mut wrong = read.terms.wrong.clone();
    let mut keep = |problem: Problem| wrong.push(problem.detail.message);
    // No artifact has this id.
    let manifest = Digest([0; 32]);
    let (parents, unresolved) = check.parents(&read, manifest).map_err(&mut keep).unwrap_or_default();
    let royalty = check.royalty(&read.terms, None).map_err(&mut keep).unwrap_or(Rates::ZERO);
    let payees = check.payees(royalty, &read.terms, None).map_err(&mut keep).unwrap_or_default();
    let (weights, name, tag) = (Vec::new(), String::new(), LATEST.to_owned());
    let kind = read.kind.unwrap_or(Kind::Model);
    let publish = Publish { manifest, kind, parents, royalty, payees, weights, name, tag };
    check.limits(&publish).map_err(&mut keep).unwrap_or_default();
    let mut said = vec![match &read.license {
        Some(license) if license.starts_with("LicenseRef-") => {
            format!("license: {license}, since SPDX lists no license of that name; look whether it is written right")
        }
        Some(license) => format!("license: {license}"),
        None => "license: none is named; without one nobody may rely on using it".to_owned(),
    }];
    if let Some(kind) = read.terms.kind {
        said.push(format!("it is {}", blobs::recognize::word(kind)));
    }
    said.push(lineage(&check, &publish));
    said.extend(
        unresolved
            .iter()
            .map(|name| format!("{name} is not published here, so it will be no parent and is paid nothing")),
    );
    said.push(terms(&check, &publish));
    said.extend(read.notes.iter().filter(|note| !wrong.contains(note)).cloned());
    Understood { said, wrong, kind: read.terms.kind }
}

fn lineage(check: &Check<'_>, publish: &Publish) -> String {
    if publish.parents.is_empty() {
        return "built on: nothing that is published here".to_owned();
    }
    let names: Vec<String> = publish.parents.iter().map(|id| check.index.artifact(*id)).collect();
    let before: Vec<_> = check.priced_before(publish).into_iter().collect();
    let lines = royalties(&check.index, &before).lines;
    let asked = lines.iter().fold(Rates::ZERO, |sum, line| Rates {
        input: sum.input.saturating_add(line.rates.input),
        output: sum.output.saturating_add(line.rates.output),
    });
    format!("built on: {}, whose lineage asks {}", names.join(", "), rates(asked))
}

fn terms(check: &Check<'_>, publish: &Publish) -> String {
    if publish.royalty.is_zero() {
        return "royalty: none is named, so a new work asks nothing, and a new version what the one before it asked; to ask one, \
                write pumasi: {royalty: {input: 20000, output: 50000}}, which is 0.02 and \
                0.05 credits per million tokens"
            .to_owned();
    }
    let payee = |payee: &ledger::Payee| format!("{} {}", check.index.account(payee.account), payee.weight);
    let payees: Vec<String> = publish.payees.iter().map(payee).collect();
    format!("royalty: {}, for good, paid to {}", rates(publish.royalty), payees.join(", "))
}

fn rates(rates: Rates) -> String {
    let credits = |rate: u64| Amount(u128::from(rate).saturating_mul(1_000_000));
    format!("{} credits per million tokens in and {} out", credits(rates.input), credits(rates.output))
}
