//! What the worker gives up before it opens a stranger's file, and how it ends.
//!
//! Not here: a limit on addresses, which would count the mapped model file and what a GPU's driver reserves; and a death
//! signal from the parent, which Linux ties to the parent's *thread*, and an idle thread of a pool ends long before its
//! process. The socket tells the worker that its parent is gone.

use rustix::{
    process::{
        DumpableBehavior, Resource, Rlimit, Signal, getpid, kill_process, nice, set_dumpable_behavior, setrlimit,
    },
    thread::set_no_new_privs,
};

/// If memory runs out, the kernel ends the worker (of 0 to 1,000, more is sooner) and not the process with the money.
const OUT_OF_MEMORY_SCORE: &str = "500";

/// On full cores those who pass words on go before those who compute them (of -20 to 19, more is later): otherwise each
/// first word waits for a turn of the processor, several milliseconds.
const NICE: i32 = 4;

/// Each step is a net below others: one that this system does not have is no reason not to work.
pub fn confine() {
    drop(std::fs::write("/proc/self/oom_score_adj", OUT_OF_MEMORY_SCORE));
    // A core file would hold conversations.
    let no_core = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    let nice = nice(NICE).map(drop);
    let steps = [no_core, set_dumpable_behavior(DumpableBehavior::NotDumpable), set_no_new_privs(true), nice];
    for error in steps.into_iter().filter_map(Result::err) {
        eprintln!("confinement is incomplete: {error}");
    }
}

/// Ends this process at once. A usual exit would run destructors under the feet of the threads that compute.
pub fn end() -> ! {
    if kill_process(getpid(), Signal::KILL).is_err() {
        std::process::abort();
    }
    unreachable!("a killed process does not go on")
}
