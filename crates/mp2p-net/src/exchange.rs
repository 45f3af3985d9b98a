//! Whether the event loop should stay awake for the next packet.
//!
//! Putting a processor to sleep and waking it takes longer than a small packet's whole way there
//! and back within one machine or one room. Who asks and answers in small packets without a pause
//! waits awake, as long as the packets come quickly.

/// Longer than this, and sleeping costs little beside the wait.
const PATIENCE_MS: f64 = 0.5;
/// A question or an answer. Bulk, however slow, fills its packets.
const SMALL_BYTES: u64 = 1024;
/// Quick exchanges in a row before the loop stays awake.
const STREAK: u32 = 4;

/// The exchange of packets on one socket.
#[derive(Default)]
pub struct Exchange {
    streak: u32,
    /// When something last came or left.
    active_at: f64,
    /// `bytes_sent` of the socket when something last came.
    sent_before: u64,
}

impl Exchange {
    /// Something came. `received` counts its bytes, `bytes_sent` all that ever left.
    pub fn arrived(&mut self, received: usize, bytes_sent: u64, now_ms: f64) {
        let sent = bytes_sent - self.sent_before;
        let small = (1..=SMALL_BYTES).contains(&sent) && received as u64 <= SMALL_BYTES;
        let quick = now_ms - self.active_at < PATIENCE_MS;
        self.streak = if small && quick { self.streak + 1 } else { 0 };
        self.sent_before = bytes_sent;
        self.active_at = now_ms;
    }

    /// Something left.
    pub fn departed(&mut self, now_ms: f64) {
        if now_ms - self.active_at >= PATIENCE_MS {
            self.streak = 0;
        }
        self.active_at = now_ms;
    }

    pub fn waits_awake(&self, now_ms: f64) -> bool {
        self.streak >= STREAK && now_ms - self.active_at < PATIENCE_MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks `questions` times, with a pause before each question and a wait for each answer.
    fn chat(exchange: &mut Exchange, questions: u32, bytes: usize, pause: f64, wait: f64) -> f64 {
        let (mut now, mut sent) = (exchange.active_at, exchange.sent_before);
        for _ in 0..questions {
            now += pause;
            sent += bytes as u64;
            exchange.departed(now);
            now += wait;
            exchange.arrived(bytes, sent, now);
        }
        now
    }

    #[test]
    fn who_exchanges_small_packets_quickly_waits_awake_and_not_for_long() {
        let mut exchange = Exchange::default();
        let now = chat(&mut exchange, STREAK - 1, 100, 0.1, 0.3);
        assert!(!exchange.waits_awake(now), "too early to say");
        let now = chat(&mut exchange, 1, 100, 0.1, 0.3);
        assert!(exchange.waits_awake(now));
        assert!(exchange.waits_awake(now + 0.4));
        assert!(!exchange.waits_awake(now + PATIENCE_MS));
    }

    #[test]
    fn one_slow_answer_ends_it() {
        let mut exchange = Exchange::default();
        chat(&mut exchange, 100, 100, 0.1, 0.3);
        let now = chat(&mut exchange, 1, 100, 0.1, 0.6);
        assert!(!exchange.waits_awake(now));
    }

    #[test]
    fn who_thinks_between_questions_sleeps() {
        let mut exchange = Exchange::default();
        let now = chat(&mut exchange, 100, 100, 0.6, 0.1);
        assert!(!exchange.waits_awake(now));
    }

    #[test]
    fn bulk_sleeps_however_slow_it_is() {
        let mut exchange = Exchange::default();
        let now = chat(&mut exchange, 100, 1400, 0.1, 0.1);
        assert!(!exchange.waits_awake(now), "full packets both ways");
        let mut received = Exchange::default();
        for packet in 1..100 {
            received.arrived(100, 0, f64::from(packet) * 0.1);
        }
        assert!(!received.waits_awake(10.0), "nothing leaves");
        let mut acknowledged = Exchange::default();
        for packet in 1..100_u32 {
            let now = f64::from(packet) * 0.2;
            acknowledged.departed(now);
            acknowledged.arrived(40, u64::from(2900 * packet), now + 0.1);
        }
        assert!(!acknowledged.waits_awake(20.0), "ACKs of full packets");
    }
}
