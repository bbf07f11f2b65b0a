//! The judgement of a round: one verdict, the reasons for it, and remarks.

pub mod build_failure;
pub mod disturbed;
pub mod judge;
mod kind;
pub mod reason;
pub mod remark;

pub use self::kind::Verdict;
