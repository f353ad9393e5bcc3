//! The owner's wallet over HTTP: what the accounts of the folder have and earned, sending, and new keys.

use api::{LedgerError, List};
use axum::{
    Json,
    body::Bytes,
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use ledger::{AccountId, Amount, ArtifactId, Digest, Key, Operation, Record};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::collections::HashMap;

use super::routes::{Routes, problem};

/// So many days are looked back if nothing is said.
const DAYS: u32 = 30;
/// A look back ends here: ten years.
const DAYS_MAX: u32 = 3_653;
/// The days of "lately".
const LATELY: u32 = 7;
/// How a purpose names an API key to be topped up.
const KEY: &str = "key:";
/// Who sends if nobody is named.
const SENDER: &str = "payer";

/// The accounts of a folder and what they have. Amounts are text of pico-credits.
#[derive(Debug, Serialize, Deserialize)]
pub struct WalletView {
    /// In the order of their roles.
    pub accounts: Vec<AccountView>,
    /// What lies in channels of these accounts and is not settled.
    pub channels_pico: String,
    /// What lies in the pots of these accounts' artifacts.
    pub pots_pico: String,
    /// What these accounts earned lately.
    pub lately: Lately,
}

/// One account.
#[derive(Debug, Serialize, Deserialize)]
pub struct AccountView {
    /// What it is for here.
    pub role: String,
    /// Its id on the ledger.
    pub id: String,
    /// Its name, if it took one.
    pub name: Option<String>,
    /// What it may spend, as text of pico-credits.
    pub balance_pico: String,
}

/// What was settled in the last days, today included.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Lately {
    /// How many.
    pub days: u32,
    /// By the works of these accounts.
    pub royalties_pico: String,
    /// By their machines.
    pub fees_pico: String,
}

/// What the accounts of a folder earned, by day, newest first.
#[derive(Debug, Serialize, Deserialize)]
pub struct Earned {
    /// The days that were looked at, today included.
    pub days: u32,
    /// Royalties by artifact and day.
    pub royalties: Vec<EarnedDay>,
    /// Fees by day.
    pub fees: Vec<EarnedDay>,
}

/// What one account earned on one day.
#[derive(Debug, Serialize, Deserialize)]
pub struct EarnedDay {
    /// Days since 1970-01-01, UTC.
    pub day: u64,
    /// Whose.
    pub role: String,
    /// The artifact, if it is a royalty.
    pub artifact: Option<String>,
    /// Its `publisher/name:tag`.
    pub name: Option<String>,
    /// Tokens in and out of answers that it ran.
    pub input: u64,
    /// See `input`.
    pub output: u64,
    /// As text of pico-credits.
    pub pico: String,
}

/// The body of `POST /wallet/transfers` and of its preview.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    /// 32 hexadecimal digits of the sender's choice. Asked for twice under the same id, it is sent once.
    pub id: String,
    /// The role that sends; none for the person's account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// An account's name or id.
    pub to: String,
    /// Credits.
    pub amount: String,
    /// What for: any text, or `key:` and an API key's id. The ledger keeps a digest of it.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
}

/// What would be sent.
#[derive(Debug, Serialize, Deserialize)]
pub struct TransferPreview {
    /// Who sends, and what it has.
    pub from: AccountView,
    /// Who receives.
    pub to: String,
    /// Its name, if it took one.
    pub to_name: Option<String>,
    /// True if the receiver never did or received anything here.
    pub to_new: bool,
    /// As text of pico-credits.
    pub amount_pico: String,
    /// The digest that the ledger keeps.
    pub reference: String,
    /// The log entry, if this was sent under this very id.
    pub done: Option<u64>,
    /// The log entry of the last one that was the same under another id.
    pub same: Option<u64>,
}

/// What was sent.
#[derive(Debug, Serialize, Deserialize)]
pub struct Transferred {
    /// Its entry in the public log.
    pub entry: u64,
    /// Milliseconds since 1970.
    pub time: u64,
    /// Who received it.
    pub to: String,
    /// Its name, if it took one.
    pub to_name: Option<String>,
    /// As text of pico-credits.
    pub amount_pico: String,
    /// The digest that the ledger keeps.
    pub reference: String,
}

/// The body of `POST /wallet/rotate`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rotate {
    /// Whose key; none for the person's account.
    #[serde(default)]
    pub role: Option<String>,
}

/// The query of `GET /wallet/earnings`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Days {
    days: Option<u32>,
}

/// A sentence and its status.
pub struct Trouble(StatusCode, &'static str, String);

type Answer<T> = Result<Json<T>, Trouble>;

impl Trouble {
    fn field(message: String) -> Self {
        Self(StatusCode::BAD_REQUEST, "invalid_value", message)
    }
}

impl axum::response::IntoResponse for Trouble {
    fn into_response(self) -> Response {
        problem(self.0, self.1, &self.2)
    }
}

impl From<LedgerError> for Trouble {
    fn from(error: LedgerError) -> Self {
        wallet::Error::from(error).into()
    }
}

impl From<wallet::Error> for Trouble {
    fn from(error: wallet::Error) -> Self {
        use wallet::Error;
        if let Some(reject) = error.reject() {
            return Self(StatusCode::CONFLICT, "ledger_refused", format!("the ledger refused: {reject}"));
        }
        match error {
            Error::NoRole { .. } => Self(StatusCode::NOT_FOUND, "role_not_found", error.to_string()),
            Error::NoAccount(_) | Error::AskedOtherwise => Self(StatusCode::CONFLICT, "refused", error.to_string()),
            Error::Ledger(_) => {
                let message = "the ledger does not answer; try again in a moment".into();
                Self(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message)
            }
            error => {
                tracing::error!(%error, "the wallet failed");
                Self(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the wallet failed; its log says why".into())
            }
        }
    }
}

fn owner(routes: &Routes, headers: &HeaderMap) -> Result<(), Trouble> {
    if routes.is_owner(headers) {
        return Ok(());
    }
    let message = "this is for the owner: send the token of the file owner-token in the data folder";
    Err(Trouble(StatusCode::UNAUTHORIZED, "invalid_api_key", message.into()))
}

fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Trouble> {
    serde_json::from_slice(body)
        .map_err(|error| Trouble(StatusCode::BAD_REQUEST, "invalid_body", format!("the body cannot be read: {error}")))
}

pub async fn show(State(routes): State<Routes>, headers: HeaderMap) -> Answer<WalletView> {
    owner(&routes, &headers)?;
    let accounts = accounts(&routes).await?;
    let (mut channels, mut pots) = (Amount::ZERO, Amount::ZERO);
    for (id, _) in &accounts {
        for (_, record) in routes.ledger.list(List::Channels(*id)).await? {
            if let Record::Channel(channel) = record
                && channel.payer == *id
            {
                channels = channels.plus(channel.free()).unwrap_or(channels);
            }
        }
    }
    for (key, record) in routes.ledger.list(List::Pots).await? {
        if let (Key::Pot(artifact), Record::Pot(pot)) = (key, record) {
            let publisher = routes.ledger.artifact(artifact).await?.publisher;
            if accounts.iter().any(|(id, _)| *id == publisher) {
                pots = pots.plus(pot.balance()).unwrap_or(pots);
            }
        }
    }
    let (mut royalties, mut fees) = (Amount::ZERO, Amount::ZERO);
    for (id, _) in &accounts {
        let earned = routes.ledger.earnings(*id, LATELY).await?;
        royalties = earned.royalties.iter().fold(royalties, |sum, day| sum.plus(day.amount).unwrap_or(sum));
        fees = earned.fees.iter().fold(fees, |sum, day| sum.plus(day.amount).unwrap_or(sum));
    }
    let lately = Lately { days: LATELY, royalties_pico: royalties.0.to_string(), fees_pico: fees.0.to_string() };
    Ok(Json(WalletView {
        accounts: accounts.into_iter().map(|(_, account)| account).collect(),
        channels_pico: channels.0.to_string(),
        pots_pico: pots.0.to_string(),
        lately,
    }))
}

async fn accounts(routes: &Routes) -> Result<Vec<(AccountId, AccountView)>, Trouble> {
    let mut accounts = Vec::new();
    for role in routes.wallet.roles()? {
        let id = routes.wallet.account(&role)?.id();
        accounts.push((id, account_view(routes, role, id).await?));
    }
    Ok(accounts)
}

async fn account_view(routes: &Routes, role: String, id: AccountId) -> Result<AccountView, Trouble> {
    let account = routes.ledger.account(id).await?;
    Ok(AccountView { role, id: id.to_string(), name: account.name, balance_pico: account.balance.0.to_string() })
}

pub async fn earnings(State(routes): State<Routes>, headers: HeaderMap, Query(query): Query<Days>) -> Answer<Earned> {
    owner(&routes, &headers)?;
    let days = query.days.unwrap_or(DAYS);
    if !(1..=DAYS_MAX).contains(&days) {
        return Err(Trouble::field(format!("days must be 1 to {DAYS_MAX}")));
    }
    let (mut royalties, mut fees, mut names) = (Vec::new(), Vec::new(), HashMap::new());
    for role in routes.wallet.roles()? {
        let earned = routes.ledger.earnings(routes.wallet.account(&role)?.id(), days).await?;
        for day in earned.royalties {
            royalties.push(EarnedDay {
                name: Some(name_of(&routes, day.artifact, &mut names).await),
                artifact: Some(day.artifact.to_string()),
                ..earned_day(&role, day.day, day.usage, day.amount)
            });
        }
        fees.extend(earned.fees.into_iter().map(|day| earned_day(&role, day.day, day.usage, day.amount)));
    }
    royalties.sort_by_key(|day| std::cmp::Reverse(day.day));
    fees.sort_by_key(|day| std::cmp::Reverse(day.day));
    Ok(Json(Earned { days, royalties, fees }))
}

fn earned_day(role: &str, day: u64, usage: ledger::Usage, amount: Amount) -> EarnedDay {
    EarnedDay {
        day,
        role: role.to_owned(),
        artifact: None,
        name: None,
        input: usage.input,
        output: usage.output,
        pico: amount.0.to_string(),
    }
}

async fn name_of(routes: &Routes, id: ArtifactId, names: &mut HashMap<ArtifactId, String>) -> String {
    if let Some(name) = names.get(&id) {
        return name.clone();
    }
    let name = routes.ledger.name_of(id).await.unwrap_or_else(|_| id.to_string());
    names.insert(id, name.clone());
    name
}

/// A transfer that was read: who sends it, and what the ledger will be asked.
struct Planned {
    sender: wallet::Account,
    role: String,
    ask: wallet::AskId,
    to: AccountId,
    amount: Amount,
    reference: Digest,
}

impl Planned {
    async fn read(routes: &Routes, transfer: &Transfer) -> Result<Self, Trouble> {
        let mut ask = [0; 16];
        hex::decode_to_slice(&transfer.id, &mut ask)
            .map_err(|_| Trouble::field("id must be 32 hexadecimal digits".into()))?;
        let amount: Amount = transfer.amount.parse().map_err(|error| Trouble::field(format!("amount: {error}")))?;
        let role = transfer.from.clone().unwrap_or_else(|| SENDER.into());
        let sender = routes.wallet.existing(&role)?;
        let to = receiver(routes, &transfer.to).await?;
        if amount.is_zero() {
            return Err(Trouble::field("the amount must be more than 0".into()));
        }
        if to == sender.id() {
            return Err(Trouble::field(format!(
                "{role} would send this to itself; name another account, or send from another one"
            )));
        }
        let reference = transfer.purpose.as_deref().map_or(Digest([0; 32]), reference);
        Ok(Self { sender, role, ask, to, amount, reference })
    }

    fn operation(&self) -> Operation {
        Operation::Transfer { to: self.to, amount: self.amount, reference: self.reference }
    }
}

/// What a transfer for a purpose refers to.
fn reference(purpose: &str) -> Digest {
    match purpose.strip_prefix(KEY) {
        Some(id) => gateway::reference_of(id),
        None => Digest::of(purpose.as_bytes()),
    }
}

async fn receiver(routes: &Routes, to: &str) -> Result<AccountId, Trouble> {
    if let Ok(id) = to.parse() {
        return Ok(id);
    }
    match routes.ledger.get(&Key::Name(to.to_owned())).await? {
        Some(Record::Name(id)) => Ok(id),
        _ => {
            let message =
                format!("nobody on this ledger is called {to}; give a name, or an id of 64 hexadecimal digits");
            Err(Trouble(StatusCode::NOT_FOUND, "account_not_found", message))
        }
    }
}

pub async fn preview(State(routes): State<Routes>, headers: HeaderMap, body: Bytes) -> Answer<TransferPreview> {
    owner(&routes, &headers)?;
    let planned = Planned::read(&routes, &read(&body)?).await?;
    let to = routes.ledger.get(&Key::Account(planned.to)).await?;
    let to_name = match &to {
        Some(Record::Account(account)) => account.name.clone(),
        _ => None,
    };
    let done = planned.sender.done(planned.ask)?;
    let same = planned.sender.done_before(&planned.operation())?;
    Ok(Json(TransferPreview {
        from: account_view(&routes, planned.role, planned.sender.id()).await?,
        to: planned.to.to_string(),
        to_name,
        to_new: to.is_none(),
        amount_pico: planned.amount.0.to_string(),
        reference: planned.reference.to_string(),
        same: same.map(|applied| applied.entry).filter(|_| done.is_none()),
        done: done.map(|applied| applied.entry),
    }))
}

pub async fn transfer(State(routes): State<Routes>, headers: HeaderMap, body: Bytes) -> Answer<Transferred> {
    owner(&routes, &headers)?;
    let planned = Planned::read(&routes, &read(&body)?).await?;
    let to_name = routes.ledger.account(planned.to).await?.name;
    let (to, amount, reference) = (planned.to, planned.amount, planned.reference);
    // It goes on when whoever asked goes away.
    let sending = tokio::spawn(async move { planned.sender.submit_once(planned.ask, planned.operation()).await });
    let applied = finished(sending.await)?;
    Ok(Json(Transferred {
        entry: applied.entry,
        time: applied.at.0,
        to: to.to_string(),
        to_name,
        amount_pico: amount.0.to_string(),
        reference: reference.to_string(),
    }))
}

pub async fn rotate(State(routes): State<Routes>, headers: HeaderMap, body: Bytes) -> Result<Response, Trouble> {
    owner(&routes, &headers)?;
    let role = read::<Rotate>(&body)?.role.unwrap_or_else(|| SENDER.into());
    let account = routes.wallet.existing(&role)?;
    let rotating = {
        let account = account.clone();
        tokio::spawn(async move { account.rotate().await })
    };
    let key = finished(rotating.await)?;
    let done = serde_json::json!({ "role": role, "account": account.id().to_string(), "key": key.to_string() });
    Ok(Json(done).into_response())
}

fn finished<T>(work: Result<Result<T, wallet::Error>, tokio::task::JoinError>) -> Result<T, Trouble> {
    let stopped =
        |_| Trouble(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "this node is being stopped; try again".into());
    Ok(work.map_err(stopped)??)
}
