//! The variant `fast` keeps the contract.

client_kit::contract_tests!(env!("CARGO_BIN_EXE_client-js-sim"), "--cost-us", "5");
