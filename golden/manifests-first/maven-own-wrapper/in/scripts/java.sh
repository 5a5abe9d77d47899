export JAVA_HOME=/opt/java
