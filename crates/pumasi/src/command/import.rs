//! `pumasi import`: brings what people already have, and says whose work it is.

use anyhow::bail;
use blobs::Store;
use gateway::artifacts::Draft;
use std::process::ExitCode;

use crate::{
    command::publish,
    home::Home,
    import::{self, Listed, Wanted, What},
    print, t,
};

/// What is imported.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// hf:OWNER/NAME, hf-cache:OWNER/NAME, ollama:NAME[:TAG], or a file or folder; hf-cache: and ollama: alone list what there is
    pub what: String,
    /// One file of it, or a pattern such as '*Q4_0.gguf'; card, license and configuration come with it
    #[arg(value_name = "FILE")]
    pub file: Option<String>,
    /// What it is called here [default: as its source calls it]
    #[arg(id = "work_name", long = "name", value_name = "NAME[:TAG]")]
    pub name: Option<String>,
    /// The branch, tag or commit of the Hub [default: main]
    #[arg(long, value_name = "REV")]
    pub revision: Option<String>,
    /// Another Hub [default: HF_ENDPOINT, or https://huggingface.co]
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,
    /// Where a file or folder comes from, if it does not say so itself
    #[arg(id = "origin", long = "source", value_name = "URL")]
    pub origin: Option<String>,
    /// Who made it, if it does not say so itself (can be given several times)
    #[arg(id = "authors", long = "author", value_name = "NAME")]
    pub authors: Vec<String>,
    /// Take the files in and print what would be published, and publish nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Publish without asking
    #[arg(long)]
    pub yes: bool,
}

/// Runs the command.
pub async fn run(home: &Home, args: Args, json: bool) -> anyhow::Result<ExitCode> {
    let what = What::parse(&args.what)?;
    if let Some(listed) = what.listing() {
        return show(&listed?, json);
    }
    if !args.dry_run {
        publish::able(home).await?;
    }
    home.make()?;
    let (dry_run, yes, dir) = (args.dry_run, args.yes, home.path("blobs"));
    let draft = tokio::task::spawn_blocking(move || make(&args, &what, &dir)).await??;
    if dry_run {
        print::json(&draft)?;
        return Ok(ExitCode::SUCCESS);
    }
    publish::submit(home, &draft, yes, json).await
}

/// Brings the files into the store and makes the draft.
fn make(args: &Args, what: &What, dir: &std::path::Path) -> anyhow::Result<Draft> {
    let store = Store::open(dir).map_err(import::sentence)?;
    let wanted =
        Wanted { file: args.file.as_deref(), revision: args.revision.as_deref(), endpoint: args.endpoint.as_deref() };
    let mut work = import::find(what, wanted, &store)?;
    if let Some(origin) = &args.origin {
        work.source.url.clone_from(origin);
    }
    if work.source.url.is_empty() {
        bail!(t!(
            "say where it comes from with --source URL; if it is your own work, publish it: pumasi publish {}",
            "어디에서 왔는지 --source URL로 알려 주세요. 직접 만든 것이라면 이렇게 올리세요: pumasi publish {}",
            args.what
        ));
    }
    let (files, linked) = import::take(&store, &work)?;
    if !args.authors.is_empty() {
        work.source.authors.clone_from(&args.authors);
    } else if work.source.authors.is_empty() {
        work.source.authors = import::authors(&store, &files)?;
    }
    work.notes.iter().for_each(|note| eprintln!("{note}"));
    if linked > 0 {
        eprintln!("{}", t!("no second copy was made of {linked} bytes", "{linked}바이트는 복사하지 않고 함께 씁니다"));
    }
    let tag = work.tag.as_deref().map(|tag| format!(":{}", import::fit(tag))).unwrap_or_default();
    let name = args.name.clone().unwrap_or_else(|| format!("{}{tag}", import::fit(&work.name)));
    Ok(Draft {
        name,
        files,
        kind: None,
        parents: None,
        royalty: None,
        payees: Vec::new(),
        license: None,
        source: Some(work.source),
    })
}

fn show(listed: &[Listed], json: bool) -> anyhow::Result<ExitCode> {
    if json {
        print::json(&listed)?;
    } else {
        let row = |item: &Listed| vec![item.what.clone(), t!("{} MB", "{}MB", item.bytes.div_ceil(1_000_000))];
        print::table(&listed.iter().map(row).collect::<Vec<_>>());
    }
    Ok(ExitCode::SUCCESS)
}
