//! `GET /receipts/{id}`: what proves a bill. Whoever knows a receipt's id may see it; the salt, with which a guess of the
//! request or the answer could be tested, is for the API key's holder alone.

use api::{
    text::Encoded,
    view::{ReceiptView, SettlementView, VoucherProof},
};
use axum::{
    Json,
    extract::{Path, State},
    http::HeaderMap,
};
use ledger::{OrderId, Signed, Voucher, log_tree};
use std::sync::Arc;

use crate::{
    error::{Error, Problem},
    gateway::Buyer,
    records::{self, Found, Ordered, State as Ended},
    routes::api_key,
};

pub async fn receipt(
    State(buyer): State<Arc<Buyer>>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Json<ReceiptView>, Problem> {
    let unknown = || Problem::unknown("id", "receipt_not_found", format!("there is no receipt {id} here"));
    let order = order_of(&id).ok_or_else(unknown)?;
    let ordered = match records::order(&buyer.books, order)? {
        Found::Whole(ordered) => *ordered,
        Found::Forgotten => {
            let message =
                format!("receipt {id} was settled long ago; only its leaf under the voucher's root is kept here");
            return Err(Problem::unknown("id", "receipt_forgotten", message));
        }
        Found::Nothing => return Err(unknown()),
    };
    let holder = ordered.key.is_some() && api_key(&buyer, &headers).ok() == ordered.key;
    Ok(Json(view(&buyer, ordered, holder).await?))
}

/// The order that a receipt's id names, or an answer's id, which is the same behind its dialect's prefix.
pub fn order_of(id: &str) -> Option<OrderId> {
    id.rsplit(['-', '_']).next()?.parse().ok()
}

async fn view(buyer: &Arc<Buyer>, ordered: Ordered, holder: bool) -> Result<ReceiptView, Error> {
    let order = &ordered.order.body;
    let usage = ordered.receipt.as_ref().map(|receipt| receipt.body.usage);
    let bill = match usage.filter(|_| ordered.state == Ended::Paid) {
        Some(usage) => buyer.bill(&*buyer.catalog.price(order.offer).await?, order.id, usage),
        None => None,
    };
    let (voucher, settlement) = match ordered.number {
        Some(number) => prove(buyer, order.channel, number).await?,
        None => (None, None),
    };
    Ok(ReceiptView {
        id: order.id.to_string(),
        state: ordered.state.name().into(),
        network: buyer.network().to_string(),
        offer: order.offer,
        input: usage.map(|usage| usage.input),
        output: usage.map(|usage| usage.output),
        bill,
        voucher,
        settlement,
        salt: holder.then(|| hex::encode(ordered.salt)),
        receipt: ordered.receipt.map(Encoded),
        order: Encoded(ordered.order),
    })
}

/// A receipt's place under the voucher that was settled, or else under the newest one.
async fn prove(
    buyer: &Buyer,
    channel: ledger::ChannelId,
    number: u64,
) -> Result<(Option<VoucherProof>, Option<SettlementView>), Error> {
    let settled = buyer.config.ledger.settled(channel, number).await?;
    let settlement = settled.as_ref().map(|settled| SettlementView { entry: settled.entry, time: settled.at.0 });
    let voucher = match settled {
        Some(settled) => Some(settled.voucher),
        None => records::voucher(&buyer.books, channel)?.filter(|voucher| voucher.body.number >= number),
    };
    let proof = voucher.map(|voucher| path(buyer, voucher, number)).transpose()?.flatten();
    Ok((proof, settlement))
}

fn path(buyer: &Buyer, voucher: Signed<Voucher>, number: u64) -> Result<Option<VoucherProof>, Error> {
    let index = number.saturating_sub(1);
    let leaves = records::leaves(&buyer.books, voucher.body.channel, voucher.body.number)?;
    let hashes: Vec<_> = leaves.iter().map(|leaf| log_tree::leaf(&leaf.0)).collect();
    let path = usize::try_from(index).ok().and_then(|index| log_tree::prove(&hashes, index));
    Ok(path.map(|path| VoucherProof {
        voucher: Encoded(voucher),
        index,
        path: path.iter().map(ToString::to_string).collect(),
    }))
}
