//! What the operating system says of the process, under the names that Prometheus' own libraries
//! use. On systems without `/proc` there is little of it.

use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;
use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, getrlimit};

/// Reads a few files of `/proc` at each scrape.
#[derive(Debug)]
pub(super) struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let mut show = |name, help, unit, metric: &dyn EncodeMetric| {
            let into = encoder.encode_descriptor(name, help, unit, metric.metric_type())?;
            metric.encode(into)
        };
        if let Some(Status { cpu_seconds, started_at, resident_bytes, virtual_bytes, threads }) =
            Status::read()
        {
            let (seconds, bytes) = (Some(&Unit::Seconds), Some(&Unit::Bytes));
            let cpu = ConstCounter::new(cpu_seconds);
            show("process_cpu", "User and system CPU time spent", seconds, &cpu)?;
            let started_at = ConstGauge::new(started_at);
            show("process_start_time", "Start of the process since 1970", seconds, &started_at)?;
            let resident = ConstGauge::new(resident_bytes);
            show("process_resident_memory", "Resident memory", bytes, &resident)?;
            let virtual_size = ConstGauge::new(virtual_bytes);
            show("process_virtual_memory", "Virtual memory", bytes, &virtual_size)?;
            show("process_threads", "Threads", None, &ConstGauge::new(threads))?;
        }
        if let Ok(open) = fs::read_dir("/proc/self/fd") {
            let open = i64::try_from(open.count()).unwrap_or(i64::MAX);
            show("process_open_fds", "Open file descriptors", None, &ConstGauge::new(open))?;
        }
        if let Some(most) = getrlimit(Resource::Nofile).current {
            let most = i64::try_from(most).unwrap_or(i64::MAX);
            show(
                "process_max_fds",
                "File descriptors that may be open",
                None,
                &ConstGauge::new(most),
            )?;
        }
        Ok(())
    }
}

/// The part of `/proc/self/stat` that is shown.
#[derive(Debug, PartialEq)]
struct Status {
    cpu_seconds: f64,
    started_at: f64,
    resident_bytes: f64,
    virtual_bytes: f64,
    threads: f64,
}

impl Status {
    fn read() -> Option<Self> {
        let status = fs::read_to_string("/proc/self/stat").ok()?;
        let system = fs::read_to_string("/proc/stat").ok()?;
        let booted = system.lines().find_map(|line| line.strip_prefix("btime "))?;
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let (ticks, page) = (clock_ticks_per_second() as f64, page_size() as f64);
        Self::parse(&status, booted.trim().parse().ok()?, ticks, page)
    }

    /// Reads the fields by their numbers in proc(5). The second one, the program's name in
    /// parentheses, may contain spaces.
    fn parse(text: &str, booted: f64, ticks: f64, page: f64) -> Option<Self> {
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
        Some(Self {
            cpu_seconds: (field(14)? + field(15)?) / ticks,
            started_at: booted + field(22)? / ticks,
            resident_bytes: field(24)? * page,
            virtual_bytes: field(23)?,
            threads: field(20)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_found_behind_a_name_with_spaces() {
        let text =
            "7 (field) test) S 1 7 7 0 -1 4194560 2 0 0 0 150 50 0 0 20 0 9 0 3000 4096 25 184";
        let expected = Status {
            cpu_seconds: 2.0,
            started_at: 1_030.0,
            resident_bytes: 102_400.0,
            virtual_bytes: 4_096.0,
            threads: 9.0,
        };
        assert_eq!(Status::parse(text, 1_000.0, 100.0, 4_096.0), Some(expected));
        assert_eq!(Status::parse("7 (fieldtest) S 1", 0.0, 100.0, 4_096.0), None);
    }
}
