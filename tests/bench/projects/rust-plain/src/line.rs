//! A line of the log.

use serde::Deserialize;

/// What is known of one event.
#[derive(Debug, Deserialize)]
pub struct Line {
    #[serde(default)]
    pub level: String,
    pub message: String,
}

/// Returns the event that a line tells of, if it does.
pub fn parse(text: &str) -> Option<Line> {
    serde_json::from_str(text).ok()
}
