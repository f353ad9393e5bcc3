//! Writes a random valid history into a folder: every kind of operation, applied and refused, under every fee and limit.
//!
//! `history DIR [SEED] [ROUNDS]` leaves the replica's folder in `DIR/ledger`, an older signed head in `DIR/head`, a
//! settled receipt as `GET /receipts/ID` gives one in `DIR/receipt.json`, and all secrets in `DIR/secrets.json`, so that
//! the history can be falsified and signed again. `docs/auditor/` is tried on it.

mod asks;
mod chance;
#[path = "../../../ledger/tests/every/mod.rs"]
mod every;
mod scene;
mod settle;
mod world;

use api::Ledger as _;
use ledger::Reject;
use std::path::PathBuf;

use world::{Outcome, World};

const ROUNDS: u64 = 400;
/// So many times as many are played at most until every refusal was met.
const PATIENCE: u64 = 40;
/// Operations of a round are submitted together.
const ROUND_MAX: u64 = 8;

#[tokio::main]
async fn main() -> Outcome<()> {
    let mut args = std::env::args().skip(1);
    let dir = PathBuf::from(args.next().ok_or("usage: history DIR [SEED] [ROUNDS]")?);
    let seed = args.next().map_or(Ok(1), |seed| seed.parse())?;
    let rounds = args.next().map_or(Ok(ROUNDS), |rounds| rounds.parse())?;
    let mut world = World::found(&dir.join("ledger"), seed)?;
    let receipt = scene::play(&mut world).await?;
    std::fs::write(dir.join("receipt.json"), serde_json::to_vec_pretty(&receipt)?)?;
    for round in 0..rounds * PATIENCE {
        if round >= rounds && missed(&world).is_empty() {
            break;
        }
        let asks: Vec<_> = (0..=world.chance.below(ROUND_MAX)).map(|_| asks::ask(&mut world)).collect();
        world.submit(&asks).await?;
        if round == rounds / 2 {
            std::fs::write(dir.join("head"), world.replica.head().await?.note)?;
        }
    }
    std::fs::write(dir.join("secrets.json"), serde_json::to_vec_pretty(&world.secrets)?)?;
    let head = world.replica.head().await?.head;
    world.replica.close();
    say(&world, head.size)
}

/// Refusals behind the door that were not met yet.
fn missed(world: &World) -> Vec<Reject> {
    let missed = |reject: &Reject| !reject.is_admission() && !world.refused.contains(&reject.number());
    Reject::ALL.iter().copied().filter(missed).collect()
}

fn say(world: &World, entries: u64) -> Outcome<()> {
    if let Some((_, name)) = every::operations().into_iter().find(|(number, _)| !world.applied.contains(number)) {
        return Err(format!("no {name} was applied").into());
    }
    let missed = missed(world);
    if !missed.is_empty() {
        return Err(format!("never refused with {missed:?}").into());
    }
    println!("{entries} entries: every kind of operation applied, and every refusal met");
    Ok(())
}
