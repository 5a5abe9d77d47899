//! Prints the messages of log lines in JSON that contain a text.

mod line;

use std::io::{self, BufRead, Write};

use lexopt::prelude::*;
use memchr::memmem;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut wanted = None;
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Value(value) if wanted.is_none() => wanted = Some(value.string()?),
            _ => return Err(argument.unexpected().into()),
        }
    }
    let wanted = wanted.ok_or("a text is needed")?;
    let finder = memmem::Finder::new(&wanted);
    let mut out = io::stdout().lock();
    for text in io::stdin().lock().lines() {
        if let Some(line) = line::parse(&text?) {
            if finder.find(line.message.as_bytes()).is_some() {
                writeln!(out, "{:5} {}", line.level, line.message)?;
            }
        }
    }
    Ok(())
}
