//! Workers that die, and workers that must.

use crate::*;
use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    time::Instant,
};

fn kill(pid: u32) {
    assert!(Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap().success());
}

/// True if the process is gone, or dead and not yet buried.
fn dead(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_none_or(|state| state.is_empty() || state.starts_with(['Z', 'X']))
}

async fn until(what: &str, mut true_now: impl AsyncFnMut() -> bool) {
    let begin = Instant::now();
    while !true_now().await {
        assert!(begin.elapsed() < PATIENCE, "{what}: never");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_killed_worker_fails_its_answers_and_comes_back() {
    let engine = start().await;
    let before = ask(&engine, request("The", 5)).await.text;
    for _ in 0..2 {
        let mut running = engine.generate(request("Once", 250)).await.unwrap();
        let mut waiting = engine.generate(request("Twice", 250)).await.unwrap();
        while !matches!(next(&mut running).await, Event::Piece { .. }) {}
        let pid = engine.pid();
        kill(pid);
        for events in [&mut running, &mut waiting] {
            let end = loop {
                match next(events).await {
                    Event::Piece { .. } | Event::Accepted { .. } => {}
                    end => break end,
                }
            };
            assert!(matches!(&end, Event::Failed { message } if message.contains("worker died")), "{end:?}");
        }
        until("another worker", async || ![0, pid].contains(&engine.pid())).await;
        assert_eq!(ask(&engine, request("The", 5)).await.text, before);
    }
}

/// The parent once gave up for ever after two failures, also where the model had run before.
#[tokio::test]
async fn a_model_that_ran_before_is_tried_until_it_loads() {
    let (path, away) = (scratch("comes-back.gguf"), scratch("comes-back.away"));
    random_model::write(&path, 7).unwrap();
    let engine = Engine::start(config(&path)).await.unwrap();
    std::fs::rename(&path, &away).unwrap();
    kill(engine.pid());
    until("its death is noticed", async || engine.pid() == 0).await;
    let begin = Instant::now();
    let failed = outcome(&engine, request("The", 5)).await.unwrap_err();
    assert!(matches!(failed, Event::Failed { .. }) && begin.elapsed() < Duration::from_secs(5), "{failed:?}");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(engine.pid(), 0, "three attempts failed by now");
    std::fs::rename(&away, &path).unwrap();
    until("it loads", async || engine.pid() != 0).await;
    assert_eq!(ask(&engine, request("The", 5)).await.output, 5);
}

#[tokio::test]
async fn the_worker_ends_with_the_last_handle() {
    let engine = start().await;
    let (pid, other) = (engine.pid(), engine.clone());
    let mut running = engine.generate(request("Once", 250)).await.unwrap();
    next(&mut running).await;
    drop(engine);
    assert_eq!(ask(&other, request("The", 3)).await.output, 3);
    drop((other, running));
    until("the worker ends", async || dead(pid)).await;
}

#[tokio::test]
async fn the_worker_gave_up_what_it_does_not_need() {
    let engine = start().await;
    let threads = std::fs::read_dir(format!("/proc/{}/task", engine.pid())).unwrap();
    let status = |thread: std::io::Result<std::fs::DirEntry>| {
        std::fs::read_to_string(thread.unwrap().path().join("status")).unwrap()
    };
    // The test harness runs the worker in a second thread.
    assert!(threads.map(status).any(|status| status.contains("NoNewPrivs:\t1")));
    let score = std::fs::read_to_string(format!("/proc/{}/oom_score_adj", engine.pid())).unwrap();
    assert_eq!(score.trim(), "500");
}

/// A worker that does not end with loading is killed.
#[tokio::test]
async fn loading_has_a_limit() {
    let mut config = config(&random());
    config.program = "/bin/sleep".into();
    config.arguments = vec!["1000".into()];
    config.load_time_max = Duration::from_millis(200);
    let error = Engine::start(config).await.err().expect("sleep is not a worker");
    assert!(matches!(error, engine::Error::LoadTime(_)), "{error}");
}

#[tokio::test]
async fn a_program_that_is_missing_or_no_worker_is_an_error() {
    let mut missing = config(&random());
    missing.program = "/nowhere/pumasi".into();
    assert!(matches!(Engine::start(missing).await.err(), Some(engine::Error::Start(_))));
    let mut other = config(&random());
    other.program = "/bin/true".into();
    assert!(matches!(Engine::start(other).await.err(), Some(engine::Error::DiedLoading)));
    let error = Engine::start(config(&scratch("no-such.gguf"))).await.err().unwrap().to_string();
    assert!(error.contains("No such file"), "{error}");
}

#[tokio::test]
#[ignore = "is the parent process of the test below"]
async fn parent_process() {
    let engine = start().await;
    let mut running = engine.generate(request("Once", 250)).await.unwrap();
    println!("worker {}", engine.pid());
    loop {
        // Busy all the time, because an idle worker notices its parent's end more easily.
        if running.next().await.is_none() {
            running = engine.generate(request("Once", 250)).await.unwrap();
        }
    }
}

#[tokio::test]
async fn the_worker_ends_when_its_parent_is_killed() {
    let arguments = ["deaths::parent_process", "--exact", "--ignored", "--nocapture"];
    let mut parent =
        Command::new(std::env::current_exe().unwrap()).args(arguments).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(parent.stdout.take().unwrap()).lines().map_while(Result::ok);
    let pid = lines.into_iter().find_map(|line| line.split_once("worker ")?.1.trim().parse().ok());
    let pid = pid.expect("the parent says its worker's process");
    assert!(!dead(pid));
    parent.kill().unwrap();
    parent.wait().unwrap();
    until("the worker ends", async || dead(pid)).await;
}
