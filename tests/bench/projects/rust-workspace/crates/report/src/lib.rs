//! Lines about gauges.

use measure::Gauge;

/// Returns a line on a gauge.
pub fn line(gauge: &Gauge) -> String {
    match gauge.mean() {
        Some(mean) => format!("{}: {:.1} {}", gauge.name, mean, env!("REPORT_UNIT")),
        None => format!("{}: nothing measured", gauge.name),
    }
}
