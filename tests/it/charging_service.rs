//! An HTTP service that charges for each call: the answer says how much, or it can be asked later.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::http_service::serve;

/// The highest price of a call, in millionths.
pub(crate) const HIGHEST_PRICE: u64 = 1000;

/// The time that a call takes.
const DURATION: Duration = Duration::from_millis(15);

/// A service on a port of its own, which answers until the test process ends.
pub(crate) struct ChargingService {
    address: SocketAddr,
    charges: Arc<Mutex<Vec<u64>>>,
}

impl ChargingService {
    /// `/calls` makes a call, whose charge the answer states for two calls of three. `/charges/N` states the charge of call
    /// N.
    pub(crate) fn start() -> Self {
        let charges = Arc::new(Mutex::new(Vec::new()));
        let charging = Arc::clone(&charges);
        let address = serve(move |path| {
            if let Some(number) = path.strip_prefix("/charges/").and_then(|number| number.parse::<usize>().ok()) {
                let charge: Option<u64> = charging.lock().unwrap().get(number).copied();
                return charge
                    .map_or(("404 Not Found", String::new()), |charge| ("200 OK", format!("X-Charge: {charge}\r\n")));
            }
            let (number, charge) = {
                let mut charges = charging.lock().unwrap();
                let number = charges.len();
                charges.push(1 + (number as u64 * 7919) % HIGHEST_PRICE);
                (number, charges[number])
            };
            thread::sleep(DURATION);
            let charge = if number % 3 == 0 { String::new() } else { format!("X-Charge: {charge}\r\n") };
            ("200 OK", format!("X-Call: {number}\r\n{charge}"))
        });
        Self { address, charges }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The charges of all calls, in millionths.
    pub(crate) fn charges(&self) -> Vec<u64> {
        self.charges.lock().unwrap().clone()
    }
}
