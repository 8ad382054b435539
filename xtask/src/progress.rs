//! Shows a person what is being done, how far it is and how long it took.
//!
//! On a terminal the running step has one line that moves; elsewhere a line now and then says that it lives.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// How often a step says that it lives where lines cannot be redrawn.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// Keeps the moving line within a narrow terminal.
const DETAIL_WIDTH: usize = 56;

/// Numbered steps: `[2/5] Building the app ...`.
pub(crate) struct Steps {
    total: usize,
    current: usize,
    started: Instant,
}

impl Steps {
    /// Steps of which there will be `total`.
    pub(crate) fn new(total: usize) -> Self {
        Self {
            total,
            current: 0,
            started: Instant::now(),
        }
    }

    /// Begins the next step.
    pub(crate) fn next(&mut self, what: &str) {
        self.current += 1;
        self.started = Instant::now();
        println!("[{}/{}] {what} ...", self.current, self.total);
    }

    /// Ends the running step.
    pub(crate) fn done(&self, how: &str) {
        println!("      {how} ({})", duration(self.started.elapsed()));
    }
}

/// The moving part of one long program.
pub(crate) struct Pulse {
    started: Instant,
    shown: Instant,
    terminal: bool,
    drawn: bool,
    detail: String,
}

impl Pulse {
    pub(crate) fn start() -> Self {
        let now = Instant::now();
        Self {
            started: now,
            shown: now,
            terminal: std::io::stdout().is_terminal() && std::env::var_os("CI").is_none(),
            drawn: false,
            detail: String::new(),
        }
    }

    /// Takes the newest thing that the program said about itself.
    pub(crate) fn tell(&mut self, detail: &str) {
        let detail = detail.trim();
        if detail.contains(char::is_alphanumeric) {
            self.detail = detail.chars().take(DETAIL_WIDTH).collect();
        }
    }

    /// Redraws the line when it is time to.
    pub(crate) fn beat(&mut self) {
        let pause = if self.terminal {
            Duration::from_millis(500)
        } else {
            HEARTBEAT
        };
        if self.shown.elapsed() < pause {
            return;
        }
        self.shown = Instant::now();
        let line = format!(
            "      {}  {}",
            duration(self.started.elapsed()),
            self.detail
        );
        if self.terminal {
            print!("\r\x1b[2K{line}");
            flush();
            self.drawn = true;
        } else {
            println!("{line}");
        }
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        if self.drawn {
            print!("\r\x1b[2K");
            flush();
        }
    }
}

/// A duration as a person says it.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds >= 60 {
        format!("{} min {:02} s", seconds / 60, seconds % 60)
    } else {
        format!("{:.1} s", time.as_secs_f64())
    }
}

/// A number with its thousands apart.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A terminal that went away is no reason to stop the work.
fn flush() {
    let _ = std::io::stdout().flush();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_like_speech() {
        assert_eq!(duration(Duration::from_millis(1_250)), "1.2 s");
        assert_eq!(duration(Duration::from_secs(185)), "3 min 05 s");
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(grouped(7), "7");
        assert_eq!(grouped(250_000), "250,000");
        assert_eq!(grouped(1_234_567), "1,234,567");
    }
}
