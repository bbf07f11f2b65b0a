//! The variant on one thread keeps the contract too.

client_kit::contract_tests!(env!("CARGO_BIN_EXE_client-tokio"), "--current-thread");
