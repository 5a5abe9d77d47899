//! Measured values.

use serde::Deserialize;

/// The readings of one gauge.
#[derive(Debug, Deserialize)]
pub struct Gauge {
    pub name: String,
    pub readings: Vec<f64>,
}

impl Gauge {
    /// The mean of all readings, if there are any.
    pub fn mean(&self) -> Option<f64> {
        let count = self.readings.len();
        (count > 0).then(|| self.readings.iter().sum::<f64>() / count as f64)
    }
}
