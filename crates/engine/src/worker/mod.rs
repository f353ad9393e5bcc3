//! The worker process: loads one model with its adapters, and answers until its socket closes.

mod confine;
mod embedder;
mod form;
mod grammar;
mod model;
mod reader;
mod sampler;
mod scheduler;
mod slot;
mod template;
mod text;

use std::{
    io,
    os::{fd::AsFd as _, unix::net::UnixStream},
    process::ExitCode,
    sync::{Arc, OnceLock, mpsc},
};

use crate::{
    Request,
    message::{self, FromWorker, ToWorker},
};
use grammar::{Grammar, Grammars, Unheld};

/// What the scheduler is told.
enum Told {
    /// Answer this.
    Start { id: u64, request: Box<Request>, grammar: Result<Option<Grammar>, Unheld> },
    /// Nobody reads this answer any more.
    Cancel { id: u64 },
}

/// What `pumasi worker` does. Standard input is the socket to the parent; when it closes, the worker ends at once, whatever
/// it is doing.
pub fn main() -> ExitCode {
    let socket = io::stdin().as_fd().try_clone_to_owned().map(UnixStream::from);
    let Ok(mut socket) = socket else { return not_for_people() };
    let Ok(Some(ToWorker::Load(load))) = message::read(&mut socket) else { return not_for_people() };
    confine::confine();
    let Ok(mut reader) = socket.try_clone() else { return ExitCode::FAILURE };
    let (sender, inbox) = mpsc::channel();
    let grammars = Arc::new(OnceLock::new());
    let known = Arc::clone(&grammars);
    std::thread::spawn(move || {
        while let Ok(Some(message)) = message::read::<ToWorker>(&mut reader) {
            if told(message, &known).is_some_and(|told| sender.send(told).is_err()) {
                return;
            }
        }
        confine::end();
    });
    match model::run(&load, &grammars, &mut socket, &inbox) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            let refused = message::encode(&FromWorker::Refused(reason));
            drop(io::Write::write_all(&mut socket, &refused));
            ExitCode::FAILURE
        }
    }
}

/// What a message tells the scheduler. Grammars are compiled here, so that running answers do not wait for it.
fn told(message: ToWorker, grammars: &OnceLock<Grammars>) -> Option<Told> {
    match message {
        ToWorker::Load(_) => None,
        ToWorker::Cancel { id } => Some(Told::Cancel { id }),
        ToWorker::Start { id, request } => {
            let grammar = request.hold.as_ref().map(|hold| grammars.wait().compile(hold)).transpose();
            Some(Told::Start { id, request, grammar })
        }
    }
}

fn not_for_people() -> ExitCode {
    eprintln!("pumasi worker: started without a parent; it is not for people");
    ExitCode::FAILURE
}
