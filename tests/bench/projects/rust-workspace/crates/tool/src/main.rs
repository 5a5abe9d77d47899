//! Prints a report on the gauges of a file.

use anyhow::Context;
use measure::Gauge;
use serde::Deserialize;

#[derive(Deserialize)]
struct File {
    gauge: Vec<Gauge>,
}

fn main() -> anyhow::Result<()> {
    let path = std::env::args().nth(1).context("a file is needed")?;
    let text = std::fs::read_to_string(&path).with_context(|| format!("{path} cannot be read"))?;
    let file: File = serde_json::from_str(&text)?;
    for gauge in &file.gauge {
        println!("{}", report::line(gauge));
    }
    Ok(())
}
