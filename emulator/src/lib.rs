//! Entra, a managed identity endpoint and a Redis that checks tokens, on loopback.
//!
//! For tests of anything that speaks Redis with Microsoft Entra ID, without Azure. It follows Microsoft's
//! documentation and stock clients; it was never compared with live Azure. It shares no code with the rest
//! of entrakey, which it is there to check.

mod addresses;
mod arm;
mod certificates;
mod clock;
mod control;
mod emulator;
mod environment;
mod error;
mod graph;
mod home;
mod hosting;
mod http;
mod identities;
mod options;
mod redis;
mod rsa_key;
mod scripts;
mod start;
mod stop;
mod tenant;
mod tokens;
mod uuid;
mod witness;
mod workload;

pub use arm::ArmCache;
pub use control::{ClockChange, ClockState, KeySet, KeyState, Limits, Rotation};
pub use emulator::Emulator;
pub use environment::{Variables, for_shell};
pub use error::{Cause, Error};
pub use graph::{DirectoryRole, GraphGrant, GraphSettings, Permission};
pub use identities::DEFAULT_IDENTITIES;
pub use options::Options;
pub use redis::{ClusterPolicy, Dialect, Family, Redis, RedisFault, RedisFaultPoint, RedisOptions};
pub use scripts::faults::{Fault, FaultQueues, Truncate};
pub use tokens::TokenFault;
pub use witness::requests::{RequestRecord, Requests};
pub use witness::stats::{Connections, Counts, RedisCounts, TokenRequests};
pub use workload::{FederatedToken, Renewal};
