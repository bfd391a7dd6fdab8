//! `rows`: what a query of a database answers.
//!
//! It is asked by the client that the image has. A kind of database knows how its client is called and how it writes an
//! answer; readings are made of tables alone.

mod base;
mod kind;
mod mysql;
mod postgres;
mod redis;
mod server;
mod sqlite;
mod table;
#[cfg(test)]
mod tests;

pub use kind::Rows;
pub use mysql::Mysql;
pub use postgres::Postgres;
pub use redis::Redis;
pub use server::{Password, Server};
