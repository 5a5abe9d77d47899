const nodemailer = require('nodemailer');

const createMailer = () =>
  nodemailer.createTransport(process.env.SMTP_URL || 'smtp://mail.example.org', {
    from: process.env.MAIL_FROM || 'digest@example.org',
  });

module.exports = { createMailer };
