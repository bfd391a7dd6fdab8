//! Any probe looks as its kind does.

use patchbed_model::{Key, Reading};

use super::{AnyProbe, Look, Probe, ProbeError};

impl Probe for AnyProbe {
    async fn observe(&self, look: &Look<'_>) -> Result<Vec<(Key, Reading)>, ProbeError> {
        match self {
            Self::Http(http) => http.observe(look).await,
            Self::Tcp(tcp) => tcp.observe(look).await,
            Self::Listening(listening) => listening.observe(look).await,
            Self::Process(process) => process.observe(look).await,
            Self::Command(command) => command.observe(look).await,
            Self::Log(log) => log.observe(look).await,
            Self::Files(files) => files.observe(look).await,
            Self::Package(package) => package.observe(look).await,
            Self::Linkage(linkage) => linkage.observe(look).await,
            Self::Unit(unit) => unit.observe(look).await,
            Self::Metric(metric) => metric.observe(look).await,
            Self::Latency(latency) => latency.observe(look).await,
            Self::Throughput(throughput) => throughput.observe(look).await,
            Self::Rows(rows) => rows.observe(look).await,
            Self::Suite(suite) => suite.observe(look).await,
            Self::Tls(tls) => tls.observe(look).await,
            Self::Dns(dns) => dns.observe(look).await,
        }
    }
}
