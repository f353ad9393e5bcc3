//! Starts the real binary on a temporary data folder, and asks it things.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{OnceLock, mpsc},
    time::{Duration, Instant},
};

/// Longer than any start or stop takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A data folder that goes away with this value. Nothing runs on it by itself.
pub struct Home(tempfile::TempDir);

impl Home {
    pub fn new() -> Self {
        api::link::choose_cryptography();
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap().trim().to_owned()
    }

    /// Runs a command to its end.
    pub fn pumasi(&self, args: &[&str]) -> Ran {
        self.pumasi_with(args, &[])
    }

    /// The same with some environment.
    pub fn pumasi_with(&self, args: &[&str], environment: &[(&str, &str)]) -> Ran {
        let mut command = self.command(args);
        let ran = command.envs(environment.iter().copied()).stdin(Stdio::null()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran { stdout: text(ran.stdout), stderr: text(ran.stderr), code: ran.status.code() }
    }

    /// The binary with nothing of this machine's settings.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pumasi"));
        command.args(args).env("PUMASI_HOME", self.0.path()).env("PUMASI_LANG", "en");
        for name in ["PUMASI_API_KEY", "RUST_LOG", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
            command.env_remove(name);
        }
        command
    }

    /// Starts a node on any free port with the test model, and waits until it is ready.
    pub fn start(&self) -> Node {
        self.start_with(&["--listen", "127.0.0.1:0", "--model", model()])
    }

    /// Starts a node with these arguments of `up`, without the models that ship with it, and waits until it is ready.
    pub fn start_with(&self, args: &[&str]) -> Node {
        self.start_in(args, &[])
    }

    /// The same with some environment.
    pub fn start_in(&self, args: &[&str], environment: &[(&str, &str)]) -> Node {
        self.up(&[args, &["--without-guide"]].concat(), environment)
    }

    /// Starts a node with the models that ship with it, and waits until it is ready.
    pub fn start_shipped(&self, args: &[&str]) -> Node {
        self.up(args, &[])
    }

    /// Starts a node with the models that ship with it, and kills it after a while, wherever it is.
    pub fn start_and_kill(&self, args: &[&str], after: Duration) {
        let mut command = self.command(&[&["up"], args].concat());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(after);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    fn up(&self, args: &[&str], environment: &[(&str, &str)]) -> Node {
        let log = self.path("stderr.log");
        let args = [&["up", "--json"], args].concat();
        let mut command = self.command(&args);
        command.envs(environment.iter().copied()).stdout(Stdio::piped()).stderr(File::create(&log).unwrap());
        let mut child = command.spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            let read = BufReader::new(stdout).read_line(&mut line);
            tell.send(read.map(|_| line))
        });
        let line = told.recv_timeout(PATIENCE).expect("a line when ready").unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|_| {
            drop(child.kill());
            panic!("it did not start: {}", std::fs::read_to_string(&log).unwrap_or_default())
        });
        let text = |field: &str| ready[field].as_str().unwrap().to_owned();
        Node {
            address: text("address"),
            api_key: text("api_key"),
            owner_token: self.read("owner-token"),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            ready,
            child,
        }
    }
}

/// What a command that ended said.
#[derive(Debug)]
pub struct Ran {
    pub stdout: String,
    pub stderr: String,
    pub code: Option<i32>,
}

impl Ran {
    /// Its standard output, if it ended well.
    #[track_caller]
    pub fn good(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.stdout
    }

    /// The same as JSON.
    #[track_caller]
    pub fn json(self) -> Value {
        serde_json::from_str(&self.good()).unwrap()
    }

    /// Its one sentence, if it ended with 1 and said nothing else.
    #[track_caller]
    pub fn bad(self) -> String {
        assert_eq!((self.code, self.stdout.as_str()), (Some(1), ""), "{self:?}");
        // A busy machine may take long enough to say how far it is.
        let said: Vec<&str> = self.stderr.lines().filter(|line| !line.contains(" … ")).collect();
        let [sentence] = said[..] else { panic!("not one sentence: {self:?}") };
        assert!(sentence.starts_with("pumasi: "), "{sentence}");
        sentence.to_owned()
    }
}

/// A running node. It is killed with this value.
pub struct Node {
    pub address: String,
    /// The key that its first start made.
    pub api_key: String,
    pub owner_token: String,
    /// What it said when it was ready.
    pub ready: Value,
    http: reqwest::Client,
    child: Child,
}

impl Node {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// As kill -9 does.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The same while others still hold the node; its end is not waited for.
    pub fn kill_now(&self) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), rustix::process::Signal::KILL)
            .unwrap();
    }

    /// For requests that are not made here.
    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// As Ctrl+C or a service manager does.
    pub fn stop(mut self) -> ExitStatus {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("it did not stop");
    }

    /// The first model's name.
    pub fn model(&self) -> &str {
        self.ready["models"][0]["id"].as_str().unwrap()
    }

    /// Sends a request with a token or none; gives the status and the body, null if it is not JSON.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        let mut request = self.http.request(method, format!("{}{path}", self.address));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// GET without a token, if it goes well.
    #[track_caller]
    pub fn get(&self, path: &str) -> impl Future<Output = Value> {
        let sent = self.send(Method::GET, path, None, None);
        async move {
            let (status, body) = sent.await;
            assert_eq!(status, StatusCode::OK, "{path}: {body}");
            body
        }
    }

    /// GET of something that is not JSON.
    pub async fn text(&self, path: &str) -> String {
        let answer = self.http.get(format!("{}{path}", self.address)).send().await.unwrap();
        answer.error_for_status().unwrap().text().await.unwrap()
    }

    /// Asks the model for a few tokens, with the first key.
    pub async fn ask(&self, prompt: &str, tokens: u32) -> Value {
        let (status, answer) = self.ask_as(&self.api_key, prompt, tokens).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer
    }

    /// Asks the model with some key.
    pub async fn ask_as(&self, key: &str, prompt: &str, tokens: u32) -> (StatusCode, Value) {
        let messages = json!([{ "role": "user", "content": prompt }]);
        let body = json!({ "model": self.model(), "messages": messages, "max_tokens": tokens, "seed": 1 });
        self.send(Method::POST, "/v1/chat/completions", Some(key), Some(body)).await
    }

    /// Asks again until something is as it should be.
    pub async fn until(&self, path: &str, good: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let answer = self.get(path).await;
            if good(&answer) {
                return answer;
            }
            assert!(began.elapsed() < PATIENCE, "{path} stays {answer}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The receipt of an answer.
pub fn receipt(answer: &Value) -> String {
    answer["usage"]["bill"]["receipt"].as_str().unwrap().to_owned()
}

/// A model to test with: that of `PUMASI_TEST_MODEL`, or a tiny one with random weights.
pub fn model() -> &'static str {
    static MODEL: OnceLock<String> = OnceLock::new();
    MODEL.get_or_init(|| {
        if let Some(path) = std::env::var("PUMASI_TEST_MODEL").ok().filter(|path| !path.is_empty()) {
            return path;
        }
        eprintln!("PUMASI_TEST_MODEL is not set: testing with random weights");
        random_model(Path::new(env!("CARGO_TARGET_TMPDIR")), "random.gguf", 1)
    })
}

/// A tiny model with random weights.
pub fn random_model(dir: &Path, name: &str, seed: u64) -> String {
    let (fresh, path) = (tempfile::NamedTempFile::new_in(dir).unwrap(), dir.join(name));
    engine::random_model::write(fresh.path(), seed).unwrap();
    fresh.persist(&path).unwrap();
    path.to_str().unwrap().to_owned()
}

/// What the owner sees under `path`, a list.
pub async fn owned(node: &Node, path: &str) -> Vec<Value> {
    let (status, body) = node.send(Method::GET, path, Some(&node.owner_token), None).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    body["data"].as_array().unwrap().clone()
}

/// The sum of amounts in rows.
pub fn sum(rows: &[Value], field: &str) -> ledger::Amount {
    rows.iter().map(|row| row[field].as_str().unwrap().parse::<ledger::Amount>().unwrap()).sum()
}
