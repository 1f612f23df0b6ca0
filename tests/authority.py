"""A certificate authority of the tests' own."""

import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LOOPBACK = "127.0.0.1"


class Authority:
    """A certificate authority, and one certificate for the loopback address, or for another host."""

    def __init__(self, folder, host=LOOPBACK):
        folder.mkdir(exist_ok=True)
        self.ca_file, self.certificate_file, self.key_file = (
            folder / name for name in ("ca.crt", "crt.pem", "key.pem")
        )
        self._name = f"rekku tests {folder}"[-64:]
        self._key = ec.generate_private_key(ec.SECP256R1())
        ca = self._certificate(self._name, self._key, host=None)
        self.ca_file.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
        certificate, key = self.issue(host)
        self.certificate_file.write_bytes(certificate)
        self.key_file.write_bytes(key)
        self.keystore_file = folder / "keystore.pem"
        self.keystore_file.write_bytes(key + certificate)

    def issue(self, host=LOOPBACK, password=None):
        """Another certificate and its key, as PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        sealing = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
        private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, sealing)
        return self._certificate(host, key, host).public_bytes(serialization.Encoding.PEM), private

    def _certificate(self, subject, key, host):
        now = datetime.datetime.now(datetime.UTC)
        subject, issuer = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in (subject, self._name))
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=host is None, path_length=None), critical=True)
        )
        if host is not None:
            is_address = host.replace(".", "").isdigit()
            name = x509.IPAddress(ipaddress.ip_address(host)) if is_address else x509.DNSName(host)
            builder = builder.add_extension(x509.SubjectAlternativeName([name]), critical=False)
        return builder.sign(self._key, hashes.SHA256())


def serial_of(certificate):
    """The serial number of a PEM or DER certificate."""
    load = x509.load_pem_x509_certificate if certificate.startswith(b"-----") else x509.load_der_x509_certificate
    return load(certificate).serial_number
