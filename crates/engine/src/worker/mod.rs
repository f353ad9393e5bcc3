//! The worker process: loads one model with its adapters, and answers until its socket closes.

mod confine;
mod model;
mod sampler;
mod scheduler;
mod slot;
mod template;
mod text;

use std::{
    io,
    os::{fd::AsFd as _, unix::net::UnixStream},
    process::ExitCode,
    sync::mpsc,
};

use crate::message::{self, FromWorker, ToWorker};

/// What `pumasi worker` does. Standard input is the socket to the parent; when it closes, the worker ends at once, whatever
/// it is doing.
pub fn main() -> ExitCode {
    let socket = io::stdin().as_fd().try_clone_to_owned().map(UnixStream::from);
    let Ok(mut socket) = socket else { return not_for_people() };
    let Ok(Some(ToWorker::Load(load))) = message::read(&mut socket) else { return not_for_people() };
    confine::confine();
    let Ok(mut reader) = socket.try_clone() else { return ExitCode::FAILURE };
    let (sender, inbox) = mpsc::channel();
    std::thread::spawn(move || {
        while let Ok(Some(message)) = message::read::<ToWorker>(&mut reader) {
            if sender.send(message).is_err() {
                return;
            }
        }
        confine::end();
    });
    match model::run(&load, &mut socket, &inbox) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            let refused = message::encode(&FromWorker::Refused(reason));
            drop(io::Write::write_all(&mut socket, &refused));
            ExitCode::FAILURE
        }
    }
}

fn not_for_people() -> ExitCode {
    eprintln!("pumasi worker: started without a parent; it is not for people");
    ExitCode::FAILURE
}
