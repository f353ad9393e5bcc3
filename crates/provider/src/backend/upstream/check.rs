//! Before a server's model is offered: its address, its key, its models, and one real token.

use api::{
    exchange::RefusedCode,
    offers::Server,
    openai::{ChatRequest, Content, Message},
};
use ledger::Usage;
use reqwest::{StatusCode, Url, header::HeaderValue};
use serde_json::Value;
use std::{fs, io::Read as _, net::IpAddr, os::unix::fs::MetadataExt as _, path::Path, time::Duration};
use tokio::time::timeout;

use super::{super::Step, Dialect, Key, Running, Upstream, client};
use crate::Error;

/// A server tells its models within this time,
const MODELS_WAIT: Duration = Duration::from_secs(15);
/// and comes to its first token within this: it may have to load the model.
const TOKEN_WAIT: Duration = Duration::from_secs(180);
/// The longest list of models that is read, and the longest key file.
const MODELS_BYTES_MAX: usize = 4 << 20;
const KEY_BYTES_MAX: u64 = 4_096;
/// Where servers tell how long a conversation may be: vLLM and SGLang, Pumasi and OpenRouter, Groq, LM Studio.
const CONTEXTS: &[&str] = &["max_model_len", "context_length", "context_window", "max_context_length"];

/// A server that answered.
pub struct Checked {
    pub upstream: Upstream,
    /// What it calls the model.
    pub model: String,
    /// The most tokens of one conversation, if it tells.
    pub context: Option<u32>,
    /// What the owner should know.
    pub notes: Vec<String>,
}

/// What must not be taken for a server or its key.
pub struct Own<'a> {
    /// Where this node is reached: it must not be its own server.
    pub address: &'a str,
    /// The folder of its books and signing keys: none of them may be sent to a server as its key.
    pub folder: &'a Path,
}

/// Looks whether a server answers with a model. `name` is what the model is called if nobody says otherwise.
///
/// # Errors
/// [`Error::NotRunnable`] with a sentence.
pub async fn check(server: &Server, name: &str, own: &Own<'_>) -> Result<Checked, Error> {
    let (url, near, mut notes) = address(&server.url, own.address).await?;
    let key = server.key_file.as_deref().map(|path| read_key(path, own.folder)).transpose()?;
    if let (true, Some(_), Some(note)) = (near, &key, notes.last_mut()) {
        note.push_str(", and its key with them");
    }
    let client = client(near).map_err(|_| bad("no HTTP client can be set up for this URL".into()))?;
    let base = url.as_str().trim_end_matches('/').to_owned();
    let mut upstream = Upstream { client, base, key, model: String::new(), dialect: Dialect::ALL[0] };
    let models = models(&upstream).await?;
    upstream.model = choose(&models, server.model.as_deref(), name)?;
    let found = models.iter().find(|model| model["id"] == upstream.model.as_str());
    let tells = |field: &&str| found.and_then(|model| model[*field].as_u64());
    let context = CONTEXTS.iter().find_map(tells).and_then(|context| u32::try_from(context).ok()).filter(|n| *n > 0);
    upstream.dialect = dialect(&upstream).await?;
    let model = upstream.model.clone();
    Ok(Checked { upstream, model, context, notes })
}

fn bad(message: String) -> Error {
    Error::NotRunnable(message)
}

/// A URL that may be asked: `https`, or `http` where nobody else listens. True for the latter.
async fn address(text: &str, own: &str) -> Result<(Url, bool, Vec<String>), Error> {
    let wrong = |why: &str| bad(format!("{why}; expected where its API begins, such as http://127.0.0.1:8000/v1"));
    let mut url = Url::parse(text).map_err(|_| wrong("the server's address is no URL"))?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(wrong("the server's address begins with neither https:// nor http://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong(
            "a key or password does not belong into a URL: put it into a file of its own (--upstream-key-file)",
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("the server's address has something behind its path"));
    }
    let (Some(host), Some(port)) = (url.host_str().map(str::to_owned), url.port_or_known_default()) else {
        return Err(wrong("the server's address names no host"));
    };
    if url.path() == "/" {
        url.set_path("/v1");
    }
    if url.scheme() == "https" {
        return Ok((url, false, Vec::new()));
    }
    let found = tokio::net::lookup_host((host.trim_matches(['[', ']']), port)).await;
    let found: Vec<IpAddr> = found.map_err(|_| bad(format!("there is no host {host}")))?.map(|at| at.ip()).collect();
    if !found.iter().all(|ip| is_private(*ip)) {
        let message = format!("{host} is out in the world, where http lets others read along; use https");
        return Err(bad(message));
    }
    let loopback = found.iter().all(|ip| ip.to_canonical().is_loopback());
    if loopback && Url::parse(own).is_ok_and(|own| own.port_or_known_default() == Some(port) && is_here(&own)) {
        return Err(bad("that is this very node; it would ask itself for ever".into()));
    }
    let note = format!("what is asked goes to {host} without encryption");
    Ok((url, true, if loopback { Vec::new() } else { vec![note] }))
}

fn is_here(url: &Url) -> bool {
    let host = url.host_str().map(|host| host.trim_matches(['[', ']']));
    host.is_some_and(|host| {
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
    })
}

/// True for addresses that only this machine or its own network reaches (RFC 1918, 3927, 4193, 4291, 6598).
fn is_private(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            ip.is_loopback() || ip.is_private() || ip.is_link_local() || (a == 100 && b & 0xc0 == 64)
        }
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

/// Reads a key from a file that its owner alone can read.
fn read_key(path: &Path, own_folder: &Path) -> Result<Key, Error> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| bad(format!("the key file {shown} cannot be read: {error}"));
    let real = path.canonicalize().map_err(unreadable)?;
    if own_folder.canonicalize().is_ok_and(|folder| real.starts_with(folder)) {
        return Err(bad(format!(
            "the key file {shown} lies in this node's data folder; keep a server's key elsewhere"
        )));
    }
    let mut file = fs::File::open(path).map_err(unreadable)?;
    let meta = file.metadata().map_err(unreadable)?;
    if !meta.is_file() {
        return Err(bad(format!("the key file {shown} is not a file")));
    }
    if meta.mode() & 0o077 != 0 {
        return Err(bad(format!("the key file {shown} can be read by others; make it yours alone: chmod 600 {shown}")));
    }
    let mut text = String::new();
    let no_key = || bad(format!("the key file {shown} does not hold a key: one line of text"));
    (&mut file).take(KEY_BYTES_MAX).read_to_string(&mut text).map_err(|_| no_key())?;
    let key = text.trim();
    if key.is_empty() || key.contains(char::is_whitespace) {
        return Err(no_key());
    }
    let mut value = HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| no_key())?;
    value.set_sensitive(true);
    Ok(Key(value))
}

/// What the server has, as it says itself.
async fn models(upstream: &Upstream) -> Result<Vec<Value>, Error> {
    let base = &upstream.base;
    let asked = async {
        let mut answer = upstream.get("/models").send().await.map_err(|_| format!("nothing answers at {base}"))?;
        match answer.status() {
            status if status.is_success() => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Err(no_entry(upstream)),
            status => {
                let status = status.as_u16();
                return Err(format!(
                    "{base}/models answers with HTTP {status}; the address of an OpenAI-compatible API often ends with /v1"
                ));
            }
        }
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|_| format!("{base} broke off"))? {
            body.extend_from_slice(&piece);
            if body.len() > MODELS_BYTES_MAX {
                return Err(format!("{base}/models sends too much"));
            }
        }
        let body: Option<Value> = serde_json::from_slice(&body).ok();
        let list = body.and_then(|body| body["data"].as_array().cloned());
        list.ok_or_else(|| format!("{base}/models is no list of models, as an OpenAI-compatible server has it"))
    };
    timeout(MODELS_WAIT, asked).await.unwrap_or_else(|_| Err(format!("{base}/models does not answer"))).map_err(bad)
}

fn no_entry(upstream: &Upstream) -> String {
    let base = &upstream.base;
    if upstream.key.is_some() {
        format!("{base} does not take the key in the key file")
    } else {
        format!("{base} wants a key: put it into a file that is yours alone, and name that with --upstream-key-file")
    }
}

/// The model that is meant: as the owner says, or the only one, or the one that is called like the artifact.
fn choose(models: &[Value], said: Option<&str>, name: &str) -> Result<String, Error> {
    let ids: Vec<&str> = models.iter().filter_map(|model| model["id"].as_str()).collect();
    let wanted = said.or_else(|| if let [only] = ids[..] { Some(only) } else { None }).unwrap_or(name);
    if ids.contains(&wanted) {
        return Ok(wanted.to_owned());
    }
    let shown = |id: &&str| id.chars().filter(|c| !c.is_control()).take(60).collect::<String>();
    let few: Vec<String> = ids.iter().take(5).map(shown).collect();
    let has = if few.is_empty() { "it has none".into() } else { format!("it has {}", few.join(", ")) };
    Err(bad(format!("the server has no model {wanted}; {has} (say which with --upstream-model)")))
}

/// Asks for one token in every dialect, until one is understood. A server that does not count cannot be paid for.
async fn dialect(upstream: &Upstream) -> Result<Dialect, Error> {
    let mut last = String::new();
    for dialect in Dialect::ALL {
        let upstream = Upstream { dialect, ..upstream.clone() };
        match timeout(TOKEN_WAIT, one_token(&upstream)).await {
            Ok(Ok(true)) => return Ok(dialect),
            Ok(Ok(false)) => {
                last =
                    "the server does not say how many tokens an answer had (usage), so nobody could be billed".into();
            }
            Ok(Err(Trial::Refused(message))) => last = message,
            Ok(Err(Trial::Failed(message))) => return Err(bad(message)),
            Err(_) => return Err(bad("the server does not come to a first token".into())),
        }
    }
    Err(bad(last))
}

/// How a trial ended that was no success.
enum Trial {
    /// Another dialect may be understood.
    Refused(String),
    Failed(String),
}

/// True if an answer of one token came to its end, counted.
async fn one_token(upstream: &Upstream) -> Result<bool, Trial> {
    let message = Message { role: "user".into(), content: Some(Content::Text("Hi".into())), ..Message::default() };
    let request = ChatRequest { messages: vec![message], ..ChatRequest::default() };
    let limit = Usage { input: Usage::TOKENS_MAX, output: 1 };
    let begun = upstream.begin(&request, limit).await;
    let mut running: Running = begun.map_err(|refused| match refused.code {
        RefusedCode::Malformed => Trial::Refused(refused.message),
        _ => Trial::Failed(refused.message),
    })?;
    loop {
        match running.next().await {
            Step::Done { .. } => return Ok(running.told_usage()),
            Step::Failed(message) => return Err(Trial::Failed(message)),
            Step::Unanswerable(refused) => return Err(Trial::Failed(refused.message)),
            Step::Accepted { .. } | Step::Prompt { .. } | Step::Text { .. } | Step::TooLong { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    const OWN: &str = "http://127.0.0.1:7420";

    #[tokio::test]
    async fn only_addresses_where_nobody_reads_along_are_asked() {
        for (text, good) in [
            ("https://api.example.com/v1", Ok((false, 0))),
            ("http://127.0.0.1:8000/v1", Ok((true, 0))),
            ("http://localhost:11434", Ok((true, 0))),
            ("http://[::1]:8000/v1/", Ok((true, 0))),
            ("http://192.168.1.5:8000/v1", Ok((true, 1))),
            ("http://100.100.1.1/v1", Ok((true, 1))),
            ("http://8.8.8.8/v1", Err("https")),
            ("http://[::ffff:8.8.8.8]/v1", Err("https")),
            ("http://127.0.0.1:7420/v1", Err("this very node")),
            ("http://localhost:7420", Err("this very node")),
            ("https://user:secret@example.com/v1", Err("a file of its own")),
            ("https://example.com/v1?key=secret", Err("behind its path")),
            ("ftp://example.com", Err("neither https:// nor")),
            ("localhost:8000", Err("neither https:// nor")),
            ("no url", Err("no URL")),
        ] {
            match (address(text, OWN).await, good) {
                (Ok((_, near, notes)), Ok(expected)) => assert_eq!((near, notes.len()), expected, "{text}"),
                (Err(error), Err(expected)) => {
                    let said = error.to_string();
                    assert!(said.contains(expected) && !said.contains("secret"), "{text}: {said}");
                }
                (found, _) => panic!("{text}: {:?}", found.map(|found| found.1)),
            }
        }
        assert_eq!(address("http://127.0.0.1:1", OWN).await.unwrap().0.path(), "/v1", "what people forget");
    }

    #[test]
    fn a_key_is_read_from_a_file_that_nobody_else_reads() {
        let (dir, own) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = dir.path().join("key");
        let read_key = |path: &Path| read_key(path, own.path());
        let said = |bytes: &[u8], mode| {
            fs::write(&path, bytes).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            read_key(&path).map(|key| key.0).map_err(|error| error.to_string())
        };
        assert_eq!(said(b"sk-1\n", 0o600).unwrap(), "Bearer sk-1");
        assert!(said(b"sk-1\n", 0o600).unwrap().is_sensitive());
        assert!(said(b"sk-1\n", 0o640).unwrap_err().contains("chmod 600"));
        for bytes in [&b""[..], b" \n", b"two words", b"\xff\xfe", b"sk\x01"] {
            let error = said(bytes, 0o600).unwrap_err();
            assert!(error.contains("does not hold a key") && !error.contains("words"), "{error}");
        }
        let inside = own.path().join("payer.key");
        fs::write(&inside, "secret").unwrap();
        fs::set_permissions(&inside, fs::Permissions::from_mode(0o600)).unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&inside, &link).unwrap();
        for path in [inside, link] {
            assert!(read_key(&path).err().unwrap().to_string().contains("data folder"));
        }
        assert!(read_key(dir.path()).err().unwrap().to_string().contains("not a file"));
        assert!(read_key(&dir.path().join("none")).err().unwrap().to_string().contains("cannot be read"));
    }

    #[test]
    fn the_model_is_the_one_that_is_meant() {
        let of = |ids: &[&str]| ids.iter().map(|id| serde_json::json!({ "id": id })).collect::<Vec<_>>();
        let (one, two) = (of(&["a"]), of(&["a", "b"]));
        assert_eq!(choose(&one, None, "mine").unwrap(), "a");
        assert_eq!(choose(&two, None, "b").unwrap(), "b");
        assert_eq!(choose(&two, Some("a"), "b").unwrap(), "a");
        for (models, said) in [(&two, None), (&one, Some("c")), (&of(&[]), None)] {
            assert!(choose(models, said, "mine").is_err_and(|error| error.to_string().contains("--upstream-model")));
        }
    }
}
