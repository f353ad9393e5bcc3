//! What people, pages and scripts read of the ledger as JSON. Amounts are `pico`: decimal text of pico-credits.

use ledger::{Amount, BillPayee, OfferId, Usage};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A bill; its lines sum to the total exactly.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Bill {
    /// The receipt it belongs to; `GET /receipts/{id}` has the proof.
    pub receipt: String,
    /// Who is paid what.
    pub lines: Vec<BillLine>,
    /// The sum, as text of pico-credits.
    pub pico: String,
}

/// Who is paid what.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BillLine {
    /// Who: the account's or the artifact's name, or its id where it has none.
    pub payee: String,
    /// The account or artifact.
    pub id: String,
    /// What for.
    pub what: What,
    /// Pico-credits per input token.
    pub input_rate: u64,
    /// Pico-credits per output token.
    pub output_rate: u64,
    /// How much, as text of pico-credits.
    pub pico: String,
}

/// What a line pays for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// The provider's work.
    ProviderFee,
    /// An artifact that the answer stands on.
    Royalty,
    /// The gateway's work; charged to the API key, not on the ledger.
    GatewayFee,
}

/// Who is paid at which rates.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PriceLine {
    /// Who: the account's or the artifact's name, or its id where it has none.
    pub payee: String,
    /// The account or artifact.
    pub id: String,
    /// What for.
    pub what: What,
    /// Pico-credits per input token.
    pub input_rate: u64,
    /// Pico-credits per output token.
    pub output_rate: u64,
}

impl Bill {
    /// The bill of a receipt for some usage. `name` gives a payee's name, if it has one.
    ///
    /// `None` if the usage is beyond what any voucher can hold.
    pub fn of(
        receipt: String,
        price: &ledger::Price,
        usage: Usage,
        name: impl Fn(&BillPayee) -> String,
    ) -> Option<Self> {
        let bill = price.bill(usage)?;
        let lines = bill.lines.iter().map(|line| BillLine {
            payee: name(&line.payee),
            id: payee_id(&line.payee),
            what: payee_what(&line.payee),
            input_rate: line.rates.input,
            output_rate: line.rates.output,
            pico: line.amount.0.to_string(),
        });
        Some(Self { receipt, lines: lines.collect(), pico: bill.total.0.to_string() })
    }
}

/// The lines of a price. `name` gives a payee's name, if it has one.
pub fn price_lines(price: &ledger::Price, name: impl Fn(&BillPayee) -> String) -> Vec<PriceLine> {
    let line = |line: &ledger::PriceLine| PriceLine {
        payee: name(&line.payee),
        id: payee_id(&line.payee),
        what: payee_what(&line.payee),
        input_rate: line.rates.input,
        output_rate: line.rates.output,
    };
    price.lines.iter().map(line).collect()
}

/// The account's or artifact's id.
pub fn payee_id(payee: &BillPayee) -> String {
    match payee {
        BillPayee::Provider(account) => account.to_string(),
        BillPayee::Artifact(artifact) => artifact.to_string(),
    }
}

const fn payee_what(payee: &BillPayee) -> What {
    match payee {
        BillPayee::Provider(_) => What::ProviderFee,
        BillPayee::Artifact(_) => What::Royalty,
    }
}

/// An amount as a JSON number of credits with all its digits: exact for whoever reads decimals.
pub fn cost(amount: Amount) -> Box<RawValue> {
    RawValue::from_string(amount.to_string()).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// How the cost of an answer falls apart, in OpenRouter's words; the rest are royalties and the gateway's fee. Credits.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CostDetails {
    /// What the provider asks.
    pub upstream_inference_cost: Box<RawValue>,
    /// Of that, for the input.
    pub upstream_inference_prompt_cost: Box<RawValue>,
    /// And for the output.
    pub upstream_inference_completions_cost: Box<RawValue>,
}

impl CostDetails {
    /// Of bills, each for some usage.
    pub fn of<'a>(bills: impl Iterator<Item = (&'a Bill, Usage)>) -> Self {
        let (mut input, mut output) = (0_u128, 0_u128);
        for (bill, usage) in bills {
            for line in bill.lines.iter().filter(|line| line.what == What::ProviderFee) {
                input = input.saturating_add(u128::from(line.input_rate).saturating_mul(usage.input.into()));
                output = output.saturating_add(u128::from(line.output_rate).saturating_mul(usage.output.into()));
            }
        }
        Self {
            upstream_inference_cost: cost(Amount(input.saturating_add(output))),
            upstream_inference_prompt_cost: cost(Amount(input)),
            upstream_inference_completions_cost: cost(Amount(output)),
        }
    }
}

/// The body of `GET /receipts/{id}`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReceiptView {
    /// The order's id, which names the receipt.
    pub id: String,
    /// `paid`, `refused`, `failed` or `running`.
    pub state: String,
    /// The network that the signatures are for.
    pub network: String,
    /// At which terms.
    #[serde(with = "crate::text")]
    pub offer: OfferId,
    /// The signed order, base64 of its canonical encoding.
    pub order: crate::text::Encoded<ledger::Signed<ledger::Order>>,
    /// The signed receipt, likewise.
    pub receipt: Option<crate::text::Encoded<ledger::Signed<ledger::Receipt>>>,
    /// Tokens in and out, as the receipt counts them.
    pub input: Option<u64>,
    /// See `input`.
    pub output: Option<u64>,
    /// Who was paid what.
    pub bill: Option<Bill>,
    /// Its place under a voucher, once one covers it.
    pub voucher: Option<VoucherProof>,
    /// Its settlement on the ledger, once there is one.
    pub settlement: Option<SettlementView>,
    /// With which request and answer are digested; only for the holder of the API key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub salt: Option<String>,
}

/// A receipt's place under a voucher's root.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VoucherProof {
    /// The signed voucher.
    pub voucher: crate::text::Encoded<ledger::Signed<ledger::Voucher>>,
    /// The receipt's leaf, counted from 0.
    pub index: u64,
    /// The sibling hashes from the leaf to the root (RFC 6962).
    pub path: Vec<String>,
}

/// A settlement on the ledger.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SettlementView {
    /// Its entry in the public log.
    pub entry: u64,
    /// When, in milliseconds since 1970.
    pub time: u64,
}
