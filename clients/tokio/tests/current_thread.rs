//! The variant `current-thread` keeps the contract.

client_kit::contract_tests!(env!("CARGO_BIN_EXE_client-tokio"), "--current-thread");
