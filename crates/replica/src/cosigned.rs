//! A replica asks its witnesses to cosign its heads (C2SP tlog-witness), and keeps what they signed beside its own signature.

use api::{
    Link,
    link::{read_body, reason},
    witness::{AddCheckpoint, Cosigner},
};
use ledger::Head;
use reqwest::{Client, RequestBuilder, StatusCode};
use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use crate::{Replica, lock::read, replica::Inner};

/// How often a head that is new is cosigned.
const EVERY: Duration = Duration::from_secs(5);
/// A witness answers within this time, or at the next turn.
const ANSWERED: Duration = Duration::from_secs(10);
/// No answer is longer.
const BODY_MAX: usize = 16 << 10;

/// Somebody who is asked.
struct Asked {
    link: Link,
    client: Client,
    /// Once it said who it is.
    cosigner: Option<Cosigner>,
    /// The size of the head that it cosigned last, as far as is known.
    old: u64,
    /// The newest head that it cosigned here.
    done: Option<Head>,
    /// What was said of it last, so that it is said once.
    trouble: Option<String>,
}

impl Replica {
    /// Asks these witnesses again and again to cosign the newest head, for as long as the replica is there. A witness that
    /// cannot be asked stops nobody.
    ///
    /// # Errors
    /// If the HTTP client cannot be set up: a clause that says why.
    pub fn be_witnessed(&self, witnesses: &[Link]) -> Result<impl Future<Output = ()> + Send + 'static, String> {
        let mut asked = witnesses.iter().map(Asked::new).collect::<Result<Vec<_>, _>>()?;
        let replica = Arc::downgrade(&self.0);
        Ok(async move {
            while !asked.is_empty() && turn(&replica, &mut asked).await {
                tokio::time::sleep(EVERY).await;
            }
        })
    }
}

/// Has the newest head cosigned by each. False once there is no replica any more.
async fn turn(replica: &Weak<Inner>, asked: &mut [Asked]) -> bool {
    for witness in asked {
        let Some(replica) = replica.upgrade() else { return false };
        let head = read(&replica.view).head();
        if witness.done == Some(head) {
            continue;
        }
        let answer = witness.cosign(&replica, head).await;
        if let Err(why) = &answer
            && witness.trouble.as_ref() != Some(why)
        {
            tracing::warn!("the witness at {} did not cosign: {why}; it is asked again", witness.link.address);
        }
        witness.trouble = answer.err();
    }
    true
}

impl Asked {
    fn new(link: &Link) -> Result<Self, String> {
        let client = link.client().map_err(|error| error.to_string())?;
        let client = client.timeout(ANSWERED).build().map_err(|error| reason(&error))?;
        Ok(Self { link: link.clone(), client, cosigner: None, old: 0, done: None, trouble: None })
    }

    async fn cosign(&mut self, replica: &Inner, head: Head) -> Result<(), String> {
        let cosigner = match &self.cosigner {
            Some(cosigner) => cosigner.clone(),
            None => self.who().await?,
        };
        let note = replica.signer.sign(head).note;
        let answer = match self.add(replica, head, &note).await? {
            // It says what it has, and is asked again from there; unless it has seen more than this head.
            (StatusCode::CONFLICT, text) => {
                self.old = text.trim().parse().map_err(|_| "it does not say which head it has")?;
                if self.old > head.size {
                    return Ok(());
                }
                self.add(replica, head, &note).await?
            }
            answer => answer,
        };
        let (status, text) = answer;
        if status != StatusCode::OK {
            return Err(format!("HTTP {status}: {}", text.trim()));
        }
        let line = text.lines().map(|line| format!("{line}\n")).find(|line| {
            let cosigned = format!("{note}{line}");
            cosigner.cosigned(&cosigned).is_some()
        });
        let line = line.ok_or("its answer is no cosignature by the key that it named")?;
        replica.signer.cosigned(head, &line);
        (self.cosigner, self.old, self.done) = (Some(cosigner), head.size, Some(head));
        Ok(())
    }

    async fn who(&self) -> Result<Cosigner, String> {
        match self.send(self.client.get(format!("{}/witness", self.link.address))).await? {
            (StatusCode::OK, text) => Ok(text.trim_end().parse()?),
            (status, _) => Err(format!("it does not say who it is (HTTP {status})")),
        }
    }

    async fn add(&self, replica: &Inner, head: Head, note: &str) -> Result<(StatusCode, String), String> {
        let proof = replica.prove_growth(self.old, head).map_err(|error| error.to_string())?.unwrap_or_default();
        let body = AddCheckpoint { old: self.old, proof, note: note.to_owned() }.to_string();
        self.send(self.client.post(format!("{}/add-checkpoint", self.link.address)).body(body)).await
    }

    async fn send(&self, request: RequestBuilder) -> Result<(StatusCode, String), String> {
        let answer = request.send().await.map_err(|error| reason(&error))?;
        let status = answer.status();
        let body = read_body(answer, BODY_MAX).await?;
        String::from_utf8(body).map(|text| (status, text)).map_err(|_| "its answer is not text".into())
    }
}
