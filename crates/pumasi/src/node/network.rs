//! How this folder takes part: on a ledger of its own, or on somebody else's. `network.json` remembers the latter.

use anyhow::{Context as _, bail};
use api::Link;
use ledger::Digest;
use serde::{Deserialize, Serialize};

use super::Config;
use crate::{home::Home, t};

const FILE: &str = "network.json";

/// Somebody else's ledger, and what this folder is on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// Where the ledger is.
    #[serde(with = "api::text")]
    pub ledger: Link,
    /// Which network it is of, once it was asked.
    pub network: Option<String>,
    /// Takes clients' requests and pays.
    pub gateway: bool,
    /// Runs models and is paid.
    pub provider: bool,
    /// Where others reach this machine: host and port to listen on with TLS.
    pub public: Option<String>,
    /// The same as others see it, if that differs.
    pub address: Option<String>,
}

impl Network {
    /// What is remembered.
    pub fn read(home: &Home) -> anyhow::Result<Option<Self>> {
        let Some(text) = home.read(FILE)? else { return Ok(None) };
        serde_json::from_str(&text).map(Some).with_context(|| home.path(FILE).display().to_string())
    }

    /// Remembers it.
    pub fn write(&self, home: &Home) -> anyhow::Result<()> {
        home.write(FILE, &serde_json::to_string_pretty(self)?)
    }

    /// What is remembered with what the command line says now; none for a ledger of this folder's own.
    pub fn of(home: &Home, config: &Config) -> anyhow::Result<Option<Self>> {
        let kept = Self::read(home)?;
        let asks = config.join.is_some() || config.gateway || config.provider || config.name.is_some();
        if kept.is_none() && home.path("ledger").exists() && asks {
            bail!(t!(
                "{} holds a ledger of its own; to join somebody else's, take another folder with --home",
                "{}에는 이미 자기 원장이 있습니다. 남의 원장에 함께하려면 --home으로 다른 폴더를 쓰세요",
                home.dir().display()
            ));
        }
        let ledger = match (&config.join, &kept) {
            (Some(link), _) => link.clone(),
            (None, Some(kept)) => kept.ledger.clone(),
            (None, None) if asks => bail!(t!(
                "--gateway, --provider and --name are for a machine that joins a ledger: add --join URL",
                "--gateway, --provider, --name은 남의 원장에 함께할 때 씁니다. --join URL을 붙이세요"
            )),
            (None, None) => return Ok(None),
        };
        let (gateway, provider) = match (config.gateway, config.provider, &kept) {
            (false, false, Some(kept)) => (kept.gateway, kept.provider),
            (false, false, None) => (true, true),
            named => (named.0, named.1),
        };
        let kept_or = |now: &Option<String>, kept: Option<String>| now.clone().or(kept);
        let network = kept.as_ref().and_then(|kept| kept.network.clone());
        let public = kept_or(&config.public, kept.as_ref().and_then(|kept| kept.public.clone()));
        let address = kept_or(&config.address, kept.and_then(|kept| kept.address));
        Ok(Some(Self { ledger, network, gateway, provider, public, address }))
    }

    /// Refuses another network than the one that was joined.
    pub fn check(&self, home: &Home, found: Digest) -> anyhow::Result<()> {
        match &self.network {
            Some(joined) if *joined != found.to_string() => bail!(t!(
                "{} joined the network {joined}, and the ledger at {} is of {found}: take another folder for that one, with --home",
                "{}는 네트워크 {joined}에 함께하는데 {}의 원장은 {found}입니다. 그 원장에는 --home으로 다른 폴더를 쓰세요",
                home.dir().display(),
                self.ledger.address
            )),
            _ => Ok(()),
        }
    }

    /// Refuses a part that nobody could reach.
    pub fn check_reach(&self) -> anyhow::Result<()> {
        if self.provider && self.public.is_none() && self.address.is_none() && !self.ledger.is_loopback() {
            bail!(t!(
                "gateways must reach a provider: name an address of this machine with --public HOST:PORT, or join with --gateway alone",
                "공급자에게는 게이트웨이가 찾아올 수 있어야 합니다. --public HOST:PORT로 이 컴퓨터의 주소를 주거나, --gateway만으로 함께하세요"
            ));
        }
        Ok(())
    }
}

/// Which network this folder takes part in, if it does in one: that of its own ledger, or of the one that it joined.
pub fn network_of(home: &Home) -> anyhow::Result<Option<Digest>> {
    if let Some(Network { network, .. }) = Network::read(home)? {
        return network.map(|name| name.parse().with_context(|| home.path(FILE).display().to_string())).transpose();
    }
    let dir = home.path("ledger");
    if dir.exists() { Ok(Some(replica::network(&dir)?)) } else { Ok(None) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(join: Option<&str>) -> Config {
        Config { join: join.map(|text| text.parse().unwrap()), ..Config::default() }
    }

    #[test]
    fn what_was_joined_is_remembered_and_what_is_said_now_counts() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::find(Some(dir.path().into())).unwrap();
        assert_eq!(Network::of(&home, &config(None)).unwrap(), None);
        let first = Network::of(&home, &config(Some("http://10.0.0.1:7420"))).unwrap().unwrap();
        assert!(first.gateway && first.provider);
        assert!(first.check_reach().is_err(), "a provider without an address");
        first.write(&home).unwrap();
        let now = Config { gateway: true, public: Some("10.0.0.2:7421".into()), ..config(None) };
        let later = Network::of(&home, &now).unwrap().unwrap();
        assert_eq!((later.gateway, later.provider, later.ledger.clone()), (true, false, first.ledger));
        later.write(&home).unwrap();
        assert_eq!(Network::of(&home, &config(None)).unwrap(), Some(later));
    }

    #[test]
    fn a_folder_with_a_ledger_joins_nobody_and_another_network_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::find(Some(dir.path().into())).unwrap();
        let joined = Network::of(&home, &config(Some("http://127.0.0.1:1"))).unwrap().unwrap();
        let (one, two) = (Digest([1; 32]), Digest([2; 32]));
        joined.check(&home, one).unwrap();
        let joined = Network { network: Some(one.to_string()), ..joined };
        assert!(joined.check(&home, two).unwrap_err().to_string().contains("--home"));
        std::fs::create_dir(dir.path().join("ledger")).unwrap();
        assert_eq!(Network::of(&home, &config(None)).unwrap(), None);
        assert!(Network::of(&home, &config(Some("http://127.0.0.1:1"))).unwrap_err().to_string().contains("--home"));
    }
}
