//! One measure: runs, their median and spread, the peer's, and the limit.

use std::time::{Duration, Instant};

use serde_json::json;

/// Pairs of own and peer runs; odd, so that the median is one of them.
const PAIRS: usize = 9;
/// A peer that takes longer is run a few times only: so much slower, its spread does not count.
const SLOW: Duration = Duration::from_secs(3);
const SLOW_RUNS: usize = 3;

/// What was measured.
pub(crate) struct Measure {
    pub(crate) unit: &'static str,
    pub(crate) own: Runs,
    pub(crate) peer: Option<(&'static str, Runs)>,
    pub(crate) limit: Limit,
}

/// What the value may be.
#[derive(Clone, Copy)]
pub(crate) enum Limit {
    /// So many times the peer's.
    TimesPeer(f64),
    /// So much.
    Value(f64),
}

/// The results of several runs, sorted.
pub(crate) struct Runs(Vec<f64>);

impl Runs {
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        Self(values)
    }

    fn at(&self, quarter: usize) -> f64 {
        self.0.get(self.0.len().saturating_sub(1) * quarter / 4).copied().unwrap_or(f64::NAN)
    }

    fn median(&self) -> f64 {
        self.at(2)
    }
}

/// Runs own and peer in turns. Where the peer is slow, it is run in the first turns only.
pub(crate) fn pairs(
    mut own: impl FnMut() -> anyhow::Result<f64>,
    mut peer: impl FnMut() -> anyhow::Result<f64>,
) -> anyhow::Result<(Runs, Runs)> {
    let (mut owns, mut peers, mut slow) = (Vec::new(), Vec::new(), false);
    for _ in 0..PAIRS {
        owns.push(own()?);
        let started = Instant::now();
        if !slow || peers.len() < SLOW_RUNS {
            peers.push(peer()?);
            slow |= started.elapsed() > SLOW;
        }
    }
    Ok((Runs::of(owns), Runs::of(peers)))
}

/// Runs what has no peer.
pub(crate) fn alone(mut own: impl FnMut() -> anyhow::Result<f64>) -> anyhow::Result<Runs> {
    let mut owns = Vec::new();
    for _ in 0..PAIRS {
        owns.push(own()?);
    }
    Ok(Runs::of(owns))
}

/// Returns how many milliseconds something takes.
pub(crate) fn millis<T>(run: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<f64> {
    let started = Instant::now();
    run()?;
    Ok(started.elapsed().as_secs_f64() * 1e3)
}

impl Measure {
    /// Returns own by peer, where there is a peer.
    fn ratio(&self) -> Option<f64> {
        self.peer.as_ref().map(|(_, peer)| self.own.median() / peer.median())
    }

    pub(crate) fn holds(&self) -> bool {
        match self.limit {
            Limit::TimesPeer(limit) => self.ratio().is_some_and(|ratio| ratio <= limit),
            Limit::Value(limit) => self.own.median() <= limit,
        }
    }

    /// Says how far the value is over the limit.
    pub(crate) fn shortfall(&self) -> String {
        match self.limit {
            Limit::TimesPeer(limit) => {
                format!("{:.2} x the peer, limit {limit}", self.ratio().unwrap_or(f64::NAN))
            }
            Limit::Value(limit) => {
                format!("{:.3} {unit}, limit {limit}", self.own.median(), unit = self.unit)
            }
        }
    }

    /// One JSON object, as scripts read it.
    pub(crate) fn json(&self, id: &str) -> String {
        let limit = match self.limit {
            Limit::TimesPeer(limit) | Limit::Value(limit) => limit,
        };
        json!({
            "id": id,
            "value": self.own.median(),
            "interval": [self.own.at(1), self.own.at(3)],
            "unit": self.unit,
            "peer": self.peer.as_ref().map(|(name, _)| name),
            "peer_value": self.peer.as_ref().map(|(_, peer)| peer.median()),
            "ratio": self.ratio(),
            "limit": limit,
            "holds": self.holds(),
        })
        .to_string()
    }

    /// One line, as people read it.
    pub(crate) fn line(&self, id: &str) -> String {
        let own = &self.own;
        let mut line =
            format!("{id:<18} {:>9.3} {} ({:.3} to {:.3})", own.median(), self.unit, own.at(1), own.at(3));
        if let (Some((name, peer)), Some(ratio)) = (&self.peer, self.ratio()) {
            line.push_str(&format!("; {name} {:.3}; ratio {ratio:.2}", peer.median()));
        }
        let limit = match self.limit {
            Limit::TimesPeer(limit) => format!("{limit} x the peer"),
            Limit::Value(limit) => format!("{limit} {}", self.unit),
        };
        line.push_str(&format!("; limit {limit}: {}", if self.holds() { "holds" } else { "DOES NOT HOLD" }));
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measure(own: &[f64], peer: Option<&[f64]>, limit: Limit) -> Measure {
        let peer = peer.map(|peer| ("peer", Runs::of(peer.to_vec())));
        Measure { unit: "ms", own: Runs::of(own.to_vec()), peer, limit }
    }

    #[test]
    fn a_limit_holds_for_the_median_and_not_for_an_outlier() {
        assert!(measure(&[900.0, 1.0, 2.0], None, Limit::Value(2.0)).holds());
        assert!(!measure(&[900.0, 3.0, 2.0], None, Limit::Value(2.0)).holds());
        assert!(measure(&[4.0], Some(&[2.0]), Limit::TimesPeer(2.0)).holds());
        assert!(!measure(&[4.1], Some(&[2.0]), Limit::TimesPeer(2.0)).holds());
        assert!(!measure(&[1.0], None, Limit::TimesPeer(2.0)).holds());
        assert_eq!(
            measure(&[5.0], Some(&[2.0]), Limit::TimesPeer(2.0)).shortfall(),
            "2.50 x the peer, limit 2"
        );
        assert_eq!(measure(&[17.0], None, Limit::Value(16.0)).shortfall(), "17.000 ms, limit 16");
    }

    #[test]
    fn the_json_has_what_scripts_read() {
        let text = measure(&[4.0], Some(&[2.0]), Limit::TimesPeer(2.5)).json("x");
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["ratio"], 2.0);
        assert_eq!(json["holds"], true);
        assert_eq!(json["peer"], "peer");
    }
}
