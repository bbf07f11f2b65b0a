//! The client keeps the contract, over a real socket.

client_kit::contract_tests!(env!("CARGO_BIN_EXE_client-native-1000"));
